"""What a quality check of a scanner hands over: phantom slices, how they were exposed, and the tube's log."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gemel.core.errors import InputError
from gemel.core.image import Array, Image


@dataclass(frozen=True)
class Exposure:
    """One protocol: voltage, tube load of a slice, slice width, kernel by the maker's name; CTDIvol is NaN where it is not stated."""

    kVp: float
    mAs: float
    slice_mm: float
    kernel: str
    CTDIvol_mGy: float

    @property
    def words(self) -> str:
        """Voltage, load, slice and kernel in one line."""
        return f"{self.kVp:g} kV, {self.mAs:g} mAs, {self.slice_mm:g} mm{', ' + self.kernel if self.kernel else ''}"


@dataclass(frozen=True)
class QualityDay:
    """Slices of one day (each x, y, 1) in HU, of one scanner and protocol; rows of the tube's log (kV, mAs), none where there is none."""

    slices: tuple[Image, ...]
    exposure: Exposure
    tube: Float[Array, "rows two"]
    acquired_s: float
    scanner: str
    source: str

    def __post_init__(self) -> None:
        if not self.slices or not np.isfinite(self.acquired_s):
            raise InputError("a quality check without images or time", where=self.source[:64], remedy="give the folder of one day's images")
