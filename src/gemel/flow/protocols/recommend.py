"""From a CT that exists to the protocol of the next one."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from gemel.core.errors import GeometryError
from gemel.core.image import Array, Image, voxel_index
from gemel.core.system import Progress, silent
from gemel.devices.ct.anatomy import Anatomy, body, trace
from gemel.devices.ct.calibrated import require_calibrated
from gemel.devices.ct.choice import Choice, Curve, Doubt, OffCentre, choose, dose_curve, ln_draws, off_centre
from gemel.devices.ct.scanner import Scanner, field_radius_mm
from gemel.devices.ct.slice_model import MISCENTRED_MM, noise_map_HU
from gemel.flow.protocols.asked import Asked

CALIBRATED = Doubt()
EARLIER_CT = "the earlier CT"
EDGE = 1.42  # a map's square may reach beyond the field of view by its corners
METAL_HU = 3000.0


@dataclass(frozen=True)
class Recommended:
    """The settings as judged, dose against d' at the first of them, its noise over the slice (HU), and what it was all computed on.

    `metal_mm2`: area above 3000 HU; `off`: cost of lying off centre, None where it is centred; `source`: what the slice was made from.
    """

    choice: Choice
    curve: Curve
    noise_HU: Float[Array, "x y"]
    map_mm: float
    image: Image
    slice_index: int
    anatomy: Anatomy
    scanner: Scanner
    asked: Asked
    metal_mm2: float = 0.0
    off: OffCentre | None = None
    source: str = EARLIER_CT

    @property
    def length_mm(self) -> float:
        """Of the scan: as asked, else that of the earlier CT; 0: not known."""
        own = self.image.shape[2] * float(self.image.spacing_mm[2])
        return self.asked.length_mm or (own if self.source == EARLIER_CT else 0.0)


def recommend(
    prior: Image,
    asked: Asked,
    *,
    scanner: Scanner,
    doubt: Doubt = CALIBRATED,
    source: str = EARLIER_CT,
    progress: Progress = silent,
) -> Recommended:
    """Judge every allowed protocol on the slice of the task; the middle of the image is taken for the isocentre.

    Raises UnitError for numbers that are no HU, InputError without a body, GeometryError for a place outside the image or the body.
    """
    progress("rays", 0, 1)
    at, place = _place(prior, asked)
    hu = np.asarray(prior.array[:, :, at], dtype=np.float64)
    inside = body(hu)
    require_calibrated(hu, inside, "prior CT")
    spacing = (float(prior.spacing_mm[0]), float(prior.spacing_mm[1]))
    middle = (np.array(prior.shape[:2]) - 1) / 2 * spacing
    at_mm = place - middle if asked.at_mm is not None else _middle_mm(inside, spacing)
    if not inside[tuple(np.rint((at_mm + middle) / spacing).astype(int))]:
        raise GeometryError("a lesion outside the body", where="task", remedy="give its place (LPS, mm) inside the patient")
    anatomy = trace(np.maximum(hu, -1000.0), spacing, scanner)
    progress("rays", 1, 1)
    task = replace(asked.task, place_mm=(float(at_mm[0]), float(at_mm[1])))
    draws = ln_draws(doubt, asked.draws, rng=np.random.default_rng(asked.seed))
    found = choose(
        anatomy, scanner, task=task, target=asked.target, allowed=asked.allowed, ln_draws=draws, sure=asked.sure, progress=progress
    )
    first = found.judged[0]
    curve = dose_curve(anatomy, scanner, judged=first, target=asked.target, allowed=asked.allowed, ln_draws=draws)
    extent = min(float(max(np.array(hu.shape) * spacing)), EDGE * field_radius_mm(scanner))
    noise = noise_map_HU(anatomy, scanner, protocol=first.forecast.protocol, extent_mm=extent)
    metal = float((hu > METAL_HU).sum()) * spacing[0] * spacing[1]
    off = None
    if np.hypot(*anatomy.centre_mm) > MISCENTRED_MM:
        off = off_centre(np.maximum(hu, -1000.0), spacing, scanner, as_lies=anatomy, protocol=first.forecast.protocol, task=first.task)
    return Recommended(found, curve, noise, extent, prior, at, anatomy, scanner, asked, metal, off, source)


def _place(prior: Image, asked: Asked) -> tuple[int, Float[Array, "2"]]:
    """The task's slice, and its place in it in mm from the first voxel; the middle slice where no place is given."""
    if asked.at_mm is None:
        return prior.shape[2] // 2, np.zeros(2)
    index = voxel_index(prior, np.array([asked.at_mm]))[0]
    if (index < -0.5).any() or (index > np.array(prior.shape) - 0.5).any():
        found = f"a lesion at {asked.at_mm} mm, outside the image"
        raise GeometryError(found, where="task", remedy="give its place in the CT's own coordinates (LPS, mm)")
    return int(np.rint(index[2])), np.asarray(index[:2] * prior.spacing_mm[:2])


def _middle_mm(inside: Array, spacing_mm: tuple[float, float]) -> Float[Array, "2"]:
    """The body's centre of mass, in mm from the middle of the slice."""
    return np.asarray((np.argwhere(inside).mean(axis=0) - (np.array(inside.shape) - 1) / 2) * spacing_mm)
