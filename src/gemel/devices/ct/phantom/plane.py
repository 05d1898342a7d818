"""One transverse slice of a phantom, with the outline of its body."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy import ndimage

from gemel.core.errors import GeometryError, InputError
from gemel.core.image import Array, Image

EDGE_HU = -500.0
SMALLEST_mm, LARGEST_mm = 40.0, 260.0
ROUND = 0.97
AIR_HU, AIR_WITHIN, AROUND_mm = -1000.0, 80.0, (8.0, 20.0)
"""What the air around the body reads, and the ring beyond its edge that is asked: drift of a scanner moves it by a few HU."""
BODY_HU = (-200.0, 250.0)
"""Between which the body of a phantom reads: water, acrylic, epoxy resins, and the same on an uncalibrated cone beam."""
LOOKED_FOR = "a round body of 80 to 500 mm of about water in air, with rods (CatPhan, ACR 464) or without (water)"


@dataclass(frozen=True)
class Plane:
    """HU (x, y), pixel size, and the body's circle: centre in pixels, radius in mm."""

    HU: Float[Array, "x y"]
    pixel_mm: float
    centre: Float[Array, "2"]
    radius_mm: float

    def polar(self) -> tuple[Float[Array, "x y"], Float[Array, "x y"]]:
        """Distance from the centre in mm, and angle in radians, of each pixel."""
        x, y = (np.arange(n) - c for n, c in zip(self.HU.shape, self.centre))
        return np.hypot(*np.meshgrid(x, y, indexing="ij")) * self.pixel_mm, np.arctan2(y[None, :], x[:, None])

    def disc(self, x_mm: float, y_mm: float, radius_mm: float) -> Bool[Array, "x y"]:
        """Pixels within a disc about a point, mm from the centre."""
        x, y = (np.arange(n) - c for n, c in zip(self.HU.shape, self.centre))
        return np.asarray(np.hypot(x[:, None] * self.pixel_mm - x_mm, y[None, :] * self.pixel_mm - y_mm) <= radius_mm)


def plane_of(image: Image, where: str) -> Plane:
    """The slice with its body. Raises GeometryError for oblong pixels, InputError for what is no phantom, or is not in HU."""
    spacing_mm = image.spacing_mm[:2]
    if image.shape[2] != 1 or abs(spacing_mm[0] / spacing_mm[1] - 1) > 1e-3:
        raise GeometryError(
            f"pixels of {spacing_mm[0]:g} x {spacing_mm[1]:g} mm", where=where, remedy="give single slices of square pixels"
        )
    HU = image.array[:, :, 0].astype(np.float64)
    if float(np.quantile(HU, 0.02)) > EDGE_HU:
        dark = f"no air: the darkest 2 % of the slice are above {EDGE_HU:g} HU"
        raise InputError(dark, where=where, remedy="export it with the right rescale to HU, the phantom whole and in air")
    labels, count = ndimage.label(ndimage.binary_opening(HU > EDGE_HU, iterations=2))
    if not count:
        raise InputError(f"nothing above {EDGE_HU:g} HU", where=where, remedy=f"looked for {LOOKED_FOR}; check the rescale to HU")
    body = ndimage.binary_fill_holes(labels == 1 + int(np.argmax(ndimage.sum_labels(np.ones(HU.shape), labels, np.arange(1, count + 1)))))
    found = Plane(HU, float(spacing_mm[0]), *_circle(body, float(spacing_mm[0])))
    _require_phantom(found, body, where)
    return found


def _circle(body: Bool[Array, "x y"], pixel_mm: float) -> tuple[Float[Array, "2"], float]:
    return np.array(ndimage.center_of_mass(body)), float(np.sqrt(body.sum() / np.pi)) * pixel_mm


def _require_phantom(found: Plane, body: Bool[Array, "x y"], where: str) -> None:
    within = found.disc(0.0, 0.0, found.radius_mm)
    alike = 2 * (within & body).sum() / (within.sum() + body.sum())
    cut = body[0].any() or body[-1].any() or body[:, 0].any() or body[:, -1].any()
    if not SMALLEST_mm <= found.radius_mm <= LARGEST_mm or alike < ROUND or cut:
        shape = "cut off by the field of view" if cut else f"of {2 * found.radius_mm:.0f} mm, {100 * alike:.0f} % a circle"
        raise InputError(f"a phantom that is not recognised: a body {shape}", where=where, remedy=f"looked for {LOOKED_FOR}")
    around = (found.polar()[0] > found.radius_mm + AROUND_mm[0]) & (found.polar()[0] < found.radius_mm + AROUND_mm[1])
    air = float(np.median(found.HU[around])) if around.any() else AIR_HU
    if abs(air - AIR_HU) > AIR_WITHIN:
        remedy = "export it with the right rescale to HU (air -1000), the phantom in air"
        raise InputError(f"air around the phantom of {air:.0f} HU: not calibrated, or rescaled wrongly", where=where, remedy=remedy)
    middle = float(np.median(found.HU[found.disc(0.0, 0.0, 0.6 * found.radius_mm)]))
    if not BODY_HU[0] <= middle <= BODY_HU[1]:
        remedy = f"a phantom's body reads {BODY_HU[0]:g} to {BODY_HU[1]:g} HU: calibrate the scanner, or export with the right rescale"
        raise InputError(f"a body of {middle:.0f} HU: not calibrated, or rescaled wrongly", where=where, remedy=remedy)
