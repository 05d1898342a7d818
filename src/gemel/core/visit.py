"""What was outlined on the images of one visit, and when they were taken."""

from dataclasses import dataclass

import numpy as np

from gemel.core.errors import InputError
from gemel.core.structures import Structures


@dataclass(frozen=True)
class Segmented:
    """Regions of one visit (seconds since the epoch); `source` names the file or SOP instance."""

    structures: Structures
    acquired_s: float
    source: str

    def __post_init__(self) -> None:
        if not np.isfinite(self.acquired_s):
            raise InputError("a visit without a time", where=self.source[:64], remedy="state when the images were taken")
