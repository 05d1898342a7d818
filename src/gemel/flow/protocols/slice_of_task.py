"""The slice of an earlier CT that a task asks for: its numbers held to be HU, its size a patient's, its rays traced."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gemel.core.errors import GeometryError
from gemel.core.image import Array, Image, voxel_index
from gemel.devices.ct.anatomy import Anatomy, body, trace
from gemel.devices.ct.calibrated import require_calibrated
from gemel.devices.ct.scanner import Scanner
from gemel.flow.protocols.asked import Asked

SMALLEST_CM = 4.0
"""Water-equivalent diameter; a premature infant's body has more. Less is a wrong PixelSpacing."""


@dataclass(frozen=True)
class TaskSlice:
    """Its index, HU (air for padding), pixel size; the lesion's place from the middle and the mean HU there; the slice traced."""

    index: int
    hu: Float[Array, "x y"]
    spacing_mm: tuple[float, float]
    place_mm: tuple[float, float]
    ground_HU: float
    anatomy: Anatomy


def slice_of_task(prior: Image, asked: Asked, scanner: Scanner) -> TaskSlice:
    """The middle of the image is taken for the isocentre; without a place the lesion lies in the middle of the body.

    Raises UnitError for numbers that are no HU, InputError without a body, GeometryError for a place outside the image or the body, and a
    slice of a size that no patient has.
    """
    at, place = _place(prior, asked)
    hu = np.asarray(prior.array[:, :, at], dtype=np.float64)
    spacing = (float(prior.spacing_mm[0]), float(prior.spacing_mm[1]))
    _require_in_gantry(hu, spacing, scanner)
    inside = body(hu)
    require_calibrated(hu, inside, "prior CT")
    middle = (np.array(prior.shape[:2]) - 1) / 2 * spacing
    at_mm = place - middle if asked.at_mm is not None else _middle_mm(inside, spacing)
    if not inside[tuple(np.rint((at_mm + middle) / spacing).astype(int))]:
        raise GeometryError("a lesion outside the body", where="task", remedy="give its place (LPS, mm) inside the patient")
    hu = np.maximum(hu, -1000.0)
    anatomy = _traced(hu, spacing, scanner)
    place_mm = (float(at_mm[0]), float(at_mm[1]))
    return TaskSlice(at, hu, spacing, place_mm, _ground_HU(hu, spacing, at_mm, asked.task.diameter_mm), anatomy)


def _traced(hu: Float[Array, "x y"], spacing_mm: tuple[float, float], scanner: Scanner) -> Anatomy:
    """Its rays. Raises GeometryError for a body that is too small."""
    anatomy = trace(hu, spacing_mm, scanner)
    if anatomy.diameter_cm < SMALLEST_CM:
        found = f"a body worth {anatomy.diameter_cm:.1f} cm of water"
        raise GeometryError(found, where="prior CT", remedy=f"check PixelSpacing: a patient has {SMALLEST_CM:g} cm and more")
    return anatomy


def _place(prior: Image, asked: Asked) -> tuple[int, Float[Array, "2"]]:
    """The task's slice, and its place in it in mm from the first voxel; the middle slice where no place is given."""
    if asked.at_mm is None:
        return prior.shape[2] // 2, np.zeros(2)
    index = voxel_index(prior, np.array([asked.at_mm]))[0]
    if not ((index >= -0.5) & (index <= np.array(prior.shape) - 0.5)).all():
        found = f"a lesion at {asked.at_mm} mm, outside the image"
        raise GeometryError(found, where="task", remedy="give its place in the CT's own coordinates (LPS, mm)")
    return int(np.rint(index[2])), np.asarray(index[:2] * prior.spacing_mm[:2])


def _require_in_gantry(hu: Float[Array, "x y"], spacing_mm: tuple[float, float], scanner: Scanner) -> None:
    """Raises GeometryError for a slice whose corners reach the tube."""
    reach_mm, source_mm = float(np.hypot(*(np.array(hu.shape) * spacing_mm))) / 2, scanner.gantry.source_isocentre_mm
    if reach_mm >= source_mm:
        found = f"a slice of {hu.shape[0] * spacing_mm[0]:.0f} x {hu.shape[1] * spacing_mm[1]:.0f} mm, whose corners reach the tube"
        raise GeometryError(found, where="prior CT", remedy="check PixelSpacing, or crop the slice to the body")


def _ground_HU(hu: Float[Array, "x y"], spacing_mm: tuple[float, float], at_mm: Float[Array, "2"], diameter_mm: float) -> float:
    """Mean of the pixels within the lesion, the nearest alone where none is."""
    x, y = ((np.arange(n) - (n - 1) / 2) * s - c for n, s, c in zip(hu.shape, spacing_mm, at_mm))
    away_mm = np.hypot(x[:, None], y)
    return float(hu[away_mm <= max(diameter_mm / 2, float(away_mm.min()))].mean())


def _middle_mm(inside: Array, spacing_mm: tuple[float, float]) -> Float[Array, "2"]:
    """The body's centre of mass, in mm from the middle of the slice."""
    return np.asarray((np.argwhere(inside).mean(axis=0) - (np.array(inside.shape) - 1) / 2) * spacing_mm)
