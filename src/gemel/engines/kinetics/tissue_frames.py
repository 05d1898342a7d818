"""When a dynamic scan was read: frames one after the other."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gemel.core.errors import RangeError
from gemel.core.image import Array

OVERLAP_S = 1e-3  # rounding of written times


@dataclass(frozen=True)
class Frames:
    """Start and duration of each frame, seconds after the time zero of the input. Gaps are allowed.

    Raises RangeError for times that are not finite or negative, durations that are not positive, and frames that overlap.
    """

    start_s: Float[Array, "frames"]
    duration_s: Float[Array, "frames"]

    def __post_init__(self) -> None:
        start, duration = np.asarray(self.start_s, np.float64), np.asarray(self.duration_s, np.float64)
        if start.ndim != 1 or start.shape != duration.shape or start.size == 0 or not np.isfinite([start, duration]).all():
            found = f"{start.size} starts and {duration.size} durations, or one that is not a number"
            raise RangeError(found, where="frames", remedy="give the start and the duration of every frame")
        if start[0] < 0 or (start < 0).any():
            found = f"a frame that starts {-float(start.min()):.4g} s before time zero"
            raise RangeError(found, where="frames", remedy="count from the start of the input, or leave out frames before the injection")
        if (duration <= 0).any():
            found, first = "a duration that is not positive", int(np.argmax(duration <= 0))
            raise RangeError(found, where=f"frame {first + 1}", remedy="leave the empty frame out, or state its duration")
        overlap = (start + duration)[:-1] - start[1:]
        if (overlap > OVERLAP_S).any():
            first = int(np.argmax(overlap > OVERLAP_S))
            found = f"frames {first + 1} and {first + 2} that overlap by {overlap[first]:.4g} s"
            raise RangeError(found, where="frames", remedy="sort the frames, and check starts and durations (seconds, not minutes)")

    @property
    def middle_s(self) -> Float[Array, "frames"]:
        """Time half-way through each frame."""
        return np.asarray(self.start_s + 0.5 * np.asarray(self.duration_s))

    @property
    def edges_s(self) -> Float[Array, "edges"]:
        """Start and end of the first frame, of the second, and so on, ascending."""
        start = np.asarray(self.start_s, np.float64)
        return np.maximum.accumulate(np.stack([start, start + self.duration_s], axis=1).ravel())
