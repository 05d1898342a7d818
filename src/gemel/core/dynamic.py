"""A dynamic scan: frames one after the other on one grid, and the blood that was drawn beside it."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32

from gemel.core.errors import GeometryError, InputError, RangeError
from gemel.core.image import Array, Image

OVERLAP_s = 1e-3  # rounding of written times


@dataclass(frozen=True)
class DynamicImage:
    """Bq/mL in each frame, corrected for decay to the injection; starts are seconds after the injection, `grid` holds the mean of all.

    Values may be negative where a reconstruction leaves them so. Raises GeometryError for frames of another shape than the grid, InputError
    for values that are not finite, RangeError for frames without duration, before the injection or one over the other.
    """

    values_Bq_mL: Float32[Array, "frames x y z"]
    grid: Image
    start_s: Float[Array, "frames"]
    duration_s: Float[Array, "frames"]
    nuclide: str
    injected_MBq: float
    source: str = ""

    def __post_init__(self) -> None:
        where = f"dynamic image {self.source[:64]}".rstrip()
        start, duration = np.asarray(self.start_s, np.float64), np.asarray(self.duration_s, np.float64)
        if self.values_Bq_mL.shape != (len(start), *self.grid.shape) or len(start) != len(duration):
            found = f"frames of {self.values_Bq_mL.shape} with {len(start)} starts and {len(duration)} durations"
            raise GeometryError(found, where=where, remedy="give one start and one duration for each frame on one grid")
        if not np.isfinite(self.values_Bq_mL).all() or not (math.isfinite(self.injected_MBq) and self.injected_MBq > 0):
            raise InputError("values or an injected activity that are not finite", where=where, remedy="repair or export the images again")
        if not np.isfinite([start, duration]).all() or (duration <= 0).any():
            raise RangeError("a frame without a duration or a start", where=where, remedy="state starts and durations in seconds")
        if start[0] < 0 or ((start + duration)[:-1] - start[1:] > OVERLAP_s).any():
            found = f"frames that begin {-start[0]:.4g} s before the injection" if start[0] < 0 else "frames that overlap"
            raise RangeError(found, where=where, remedy="check starts, durations and the time of injection; sort the frames")

    @property
    def middle_s(self) -> Float[Array, "frames"]:
        """Time half-way through each frame, after the injection."""
        return np.asarray(self.start_s + 0.5 * np.asarray(self.duration_s))


@dataclass(frozen=True)
class BloodCurve:
    """Samples of blood, seconds after the injection, corrected for decay to it: unchanged tracer in plasma, and whole blood where known."""

    t_s: Float[Array, "samples"]
    plasma_Bq_mL: Float[Array, "samples"]
    blood_Bq_mL: Float[Array, "samples"] | None = None
