"""Losses to exposures: the field times the survival of a stretch of time, and the derivatives of that."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, no_type_check

import numpy as np
from jaxtyping import Shaped
from numba import njit

from gemel.core.image import Array
from gemel.engines.pde.domain import Domain
from gemel.engines.pde.events import Exposure, as_field

TERMS = np.array([(-1.0) ** n / np.prod(np.arange(1.0, n + 1)) for n in range(1, 11)])
"""Taylor's, of e^{−q} − 1 = q (TERMS[0] + q (TERMS[1] + …)): to 10⁻¹⁵ for q up to 1/4."""
MOST = 0.25  # of q: losses beyond 64 leave e⁻⁶⁴


@dataclass(frozen=True)
class Losses:
    """Exposures with their sensitivities as the kernels read them."""

    exposures: tuple[Exposure, ...]
    sensitivity: tuple[Shaped[Array, "..."], ...]

    def over(self, start: float, stop: float, dtype: Any) -> Shaped[Array, "..."]:
        """Σ sensitivity · ∫ of the amounts: minus the log of the survival, a number or a map."""
        found: Array = np.zeros((), dtype=dtype)
        for exposure, sensitivity in zip(self.exposures, self.sensitivity):
            found = np.asarray(found + sensitivity * dtype.type(exposure.integral(start, stop)))
        return found


def losses(exposures: Sequence[Exposure], on: Domain, dtype: np.dtype[Any]) -> Losses:
    """As the kernels read them."""
    return Losses(tuple(exposures), tuple(as_field(one.sensitivity, on, dtype) for one in exposures))


def fade(u: Shaped[Array, "..."], lost: Shaped[Array, "..."]) -> None:
    """u e^{−lost}, in place."""
    if lost.ndim == 0:
        u *= np.exp(-lost)
        return
    planes = u.reshape(-1, *lost.shape)
    for species in planes:
        _fade(
            species.reshape(len(lost), -1),
            lost.reshape(len(lost), -1),
            tuple(TERMS.astype(u.dtype)),
            u.dtype.type(0.5**8),
            u.dtype.type(MOST),
        )


@njit(cache=True, nogil=True)
@no_type_check
def _fade(u, lost, terms, part, most):
    """e^{−z} by Taylor's series of z/256 and eight doublings, (1 + y)² − 1 = y (2 + y): no branch and no call, so that it is vectorised.

    On one thread, for many runs may go side by side.
    """
    t0, t1, t2, t3, t4, t5, t6, t7, t8, t9 = terms
    two = -t0 - t0
    for x in range(len(u)):
        row, loss = u[x], lost[x]
        for i in range(row.size):
            q = min(loss[i] * part, most)
            y = q * (t0 + q * (t1 + q * (t2 + q * (t3 + q * (t4 + q * (t5 + q * (t6 + q * (t7 + q * (t8 + q * t9)))))))))
            for _ in range(8):
                y = y * (two + y)
            row[i] += row[i] * y
