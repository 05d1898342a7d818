"""Two views of one patient from opposite sides: counts by pixel, on one grid, with the clock of injection and scan."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gemel.core.errors import GeometryError, InputError, RangeError
from gemel.core.image import Array


@dataclass(frozen=True)
class PlanarPair:
    """Counts of the anterior and the posterior view, both along LPS +x and +z, so that one pixel is one line through the patient.

    `acquired_s`, `injected_s`: seconds since the epoch on one clock. Raises GeometryError for views of two shapes, InputError for counts
    that are negative or not finite, RangeError for a scan before the injection.
    """

    anterior: Float[Array, "x z"]
    posterior: Float[Array, "x z"]
    spacing_mm: tuple[float, float]
    nuclide: str
    acquired_s: float
    duration_s: float
    injected_s: float
    injected_MBq: float
    source: str = ""

    def __post_init__(self) -> None:
        where = f"planar views {self.source[:64]}".rstrip()
        if self.anterior.shape != self.posterior.shape or self.anterior.ndim != 2:
            found = f"views of {self.anterior.shape} and {self.posterior.shape}"
            raise GeometryError(found, where=where, remedy="give two views of one scan")
        both = np.stack([self.anterior, self.posterior])
        if not np.isfinite(both).all() or (both < 0).any():
            raise InputError("counts that are negative or not finite", where=where, remedy="export the views as they were counted")
        if not (math.isfinite(self.duration_s) and self.duration_s > 0 and self.injected_MBq > 0 and min(self.spacing_mm) > 0):
            found = f"a scan of {self.duration_s} s, {self.injected_MBq} MBq, pixels of {self.spacing_mm} mm"
            raise InputError(found, where=where, remedy="state duration, activity and pixels above 0")
        if self.acquired_s < self.injected_s:
            found = f"a scan {(self.injected_s - self.acquired_s) / 3600:.3g} h before the injection"
            raise RangeError(found, where=where, remedy="check the dates of both, or state the injection: --injected")

    @property
    def since_injection_s(self) -> float:
        """Start of the scan after the injection."""
        return self.acquired_s - self.injected_s
