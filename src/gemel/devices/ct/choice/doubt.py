"""What is not known of a predicted detectability before the scan."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gemel.core.errors import RangeError
from gemel.core.image import Array


@dataclass(frozen=True)
class Doubt:
    """Standard deviations of ln d': of the method, and of the patient where it was not seen in section.

    `method`: predicted noise is within 5 % of reconstructed (tests/published/test_ct_noise.py), d' of a kernel about as much; `patient`:
    0 with a CT, more from localisers. `scanner`: draws of ln d' over the scanner's baseline, from its twin; none: as calibrated.
    """

    method: float = 0.07
    patient: float = 0.0
    scanner: Float[Array, "_"] | None = None

    def __post_init__(self) -> None:
        if not (0 <= self.method < 2 and 0 <= self.patient < 2):
            raise RangeError(f"{self.method:g} and {self.patient:g}", where="Doubt", remedy="give standard deviations of ln d', 0 to 2")
        if self.scanner is not None and not (self.scanner.size and np.isfinite(self.scanner).all()):
            raise RangeError(
                "draws of the scanner that are none or not finite", where="Doubt", remedy="give draws of ln d' over the baseline"
            )


def ln_draws(doubt: Doubt, draws: int, *, rng: np.random.Generator) -> Float[Array, "draws"]:
    """Draws of ln(d'/predicted d'): the same for every protocol, for what is unknown is the scanner's, the patient's and the method's."""
    found = np.hypot(doubt.method, doubt.patient) * rng.standard_normal(draws)
    if doubt.scanner is not None:
        found = found + rng.choice(doubt.scanner, draws)
    return np.asarray(found)
