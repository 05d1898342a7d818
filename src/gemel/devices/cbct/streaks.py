"""Back projection of parallel profiles onto slices, compiled."""

from typing import no_type_check

import numpy as np
from jaxtyping import Float, Float32
from numba import njit, prange

from gemel.core.image import Array


def backproject(
    profiles: Float32[Array, "z views bins"], cosines: Float[Array, "views"], sines: Float[Array, "views"],
    first: Float[Array, "2"], step: Float[Array, "2"], shape: tuple[int, int],
) -> Float32[Array, "z x y"]:  # fmt: skip
    """Σ over views of the profile at s = x·cos + y·sin, linear between bins, zero outside; positions in bins from the middle one."""
    out = np.zeros((profiles.shape[0], *shape), dtype=np.float32)
    _backproject(profiles, cosines, sines, first, step, out)
    return out


@njit(parallel=True, cache=True)
@no_type_check
def _backproject(profiles, cosines, sines, first, step, out):
    """All views onto one slice a thread."""
    middle = 0.5 * (profiles.shape[2] - 1)
    for k in prange(out.shape[0]):
        for view in range(profiles.shape[1]):
            cosine, sine = cosines[view], sines[view]
            for i in range(out.shape[1]):
                s_row = middle + (first[0] + i * step[0]) * cosine + first[1] * sine
                for j in range(out.shape[2]):
                    s = s_row + j * step[1] * sine
                    if 0.0 <= s < profiles.shape[2] - 1:
                        b = int(s)
                        part = np.float32(s - b)
                        out[k, i, j] += profiles[k, view, b] + part * (profiles[k, view, b + 1] - profiles[k, view, b])
