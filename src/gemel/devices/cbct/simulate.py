"""A cone-beam CT of a known image: lower contrast, blur, cupping, streaky noise and a short field of view.

It has the look of scatter and photon noise but not their physics: no spectrum, no detector, no metal, no motion during the turn.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy import ndimage

from gemel.core.errors import GeometryError, RangeError
from gemel.core.image import Array, Image, is_axis_aligned, with_array, world_mm
from gemel.devices.cbct.streaks import backproject

BODY_HU = -500.0
"""Above this a voxel belongs to something that scatters."""


@dataclass(frozen=True)
class ConeBeam:
    """How the scan differs from the truth.

    contrast: factor on HU; scatter lowers contrast and adds a cup. Siewerdsen and Jaffray 2001, Med Phys 28:220 (effects; the sizes are
    chosen to resemble pelvic scans). blur_mm: standard deviation of the point spread. cup_axis_HU, cup_edge_HU: bias on the axis and at the
    edge of the field, quadratic in between. noise_HU: standard deviation in the field, with the ramp spectrum of filtered back projection
    from `views` projections, Riederer 1978, Phys Med Biol 23:446. diameter_mm: field of view of a full fan. outside_HU: fill beyond it.
    Raises RangeError for a length, spread or number that is negative.
    """

    contrast: float = 0.95
    blur_mm: float = 1.2
    cup_axis_HU: float = -50.0
    cup_edge_HU: float = 80.0
    noise_HU: float = 30.0
    views: int = 90
    diameter_mm: float = 250.0
    outside_HU: float = -1024.0

    def __post_init__(self) -> None:
        if min(self.contrast, self.diameter_mm, self.views) <= 0 or min(self.blur_mm, self.noise_HU) < 0:
            raise RangeError(f"an impossible scanner {self!r}", where="ConeBeam", remedy="sizes above zero, spreads not below zero")


def simulate(image: Image, isocentre_mm: Float[Array, "3"], rng: np.random.Generator, *, scanner: ConeBeam = ConeBeam()) -> Image:
    """CBCT (whole HU, float32) of an image in the room frame; the field of view is a cylinder along z about the isocentre.

    HU' = contrast·blur(HU) + cup(r) in the body + noise. Raises GeometryError when the image is oblique or outside the field.
    """
    if not is_axis_aligned(image):
        raise GeometryError("an oblique image", where="cbct.simulate", remedy="resample it to axes along x, y, z")
    radius_mm = _distance_mm(image, isocentre_mm)[..., None]
    share = radius_mm / (0.5 * scanner.diameter_mm)
    inside = share <= 1.0
    if not inside.any():
        raise GeometryError("no voxel in the field of view", where="cbct.simulate", remedy="pass the isocentre in the image's frame")
    clean = scanner.contrast * ndimage.gaussian_filter(image.array.astype(np.float32), scanner.blur_mm / image.spacing_mm, mode="nearest")
    cup = scanner.cup_axis_HU + (scanner.cup_edge_HU - scanner.cup_axis_HU) * share**2
    seen = clean + np.where(clean > BODY_HU, cup, 0.0) + scanner.noise_HU * _noise(image, isocentre_mm, scanner, rng)
    return with_array(image, np.where(inside, np.rint(np.maximum(seen, scanner.outside_HU)), scanner.outside_HU).astype(np.float32))


def _distance_mm(image: Image, isocentre_mm: Float[Array, "3"]) -> Float[Array, "x y"]:
    """Distance of each column of voxels from the axis of rotation."""
    (x0, y0, _), (dx, dy, _) = world_mm(image, np.zeros((1, 3)))[0] - isocentre_mm, image.spacing_mm
    return np.hypot(x0 + dx * np.arange(image.shape[0])[:, None], y0 + dy * np.arange(image.shape[1])[None, :])


def _noise(image: Image, isocentre_mm: Float[Array, "3"], scanner: ConeBeam, rng: np.random.Generator) -> Float[Array, "x y z"]:
    """Filtered back projection of white noise in every slice, scaled to unit standard deviation in the field."""
    pixel_mm = float(min(image.spacing_mm[:2]))
    bins = 2 * int(np.ceil(0.5 * scanner.diameter_mm / pixel_mm)) + 3
    white = rng.normal(size=(image.shape[2], scanner.views, bins))
    ramp = np.abs(np.fft.rfftfreq(2 * bins))
    filtered = np.fft.irfft(np.fft.rfft(white, 2 * bins, axis=-1) * ramp, axis=-1)[..., :bins].astype(np.float32)
    angles = np.arange(scanner.views) * np.pi / scanner.views
    first = (world_mm(image, np.zeros((1, 3)))[0] - isocentre_mm) / pixel_mm
    step = image.spacing_mm / pixel_mm
    streaks = backproject(filtered, np.cos(angles), np.sin(angles), first[:2], step[:2], image.shape[:2])
    field = _distance_mm(image, isocentre_mm) <= 0.5 * scanner.diameter_mm
    spread = float(streaks[:, field].std())
    return np.moveaxis(streaks, 0, 2) / spread
