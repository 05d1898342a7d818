"""Tube-current modulation: how the current should follow the patient's shape."""

import numpy as np
from jaxtyping import Float

from gemel.core.errors import RangeError
from gemel.core.image import Array


def modulated(
    log_attenuation: Float[Array, "views"], *, strength: float = 1.0, span: tuple[float, float] = (0.0, np.inf)
) -> Float[Array, "views"]:
    """Relative current by view, mean 1, ∝ exp(s·L/2), L the line integral through the point of interest.

    strength 1 gives the least dose for the noise there: Gies et al. 1999, Med Phys 26:2235; 0 is a constant current; between, what scanners
    do. `span`: least and largest current relative to the mean before it is normed. Raises RangeError for other strengths.
    """
    if not 0 <= strength <= 1:
        raise RangeError(f"a modulation strength of {strength:g}", where="modulated", remedy="use 0 (constant) to 1 (least dose)")
    half = np.asarray(log_attenuation, dtype=np.float64) * strength / 2
    wanted = np.exp(half - half.max())
    held = np.clip(wanted / wanted.mean(), *span)
    return np.asarray(held / held.mean())


def relative_variance(log_attenuation: Float[Array, "views"], current: Float[Array, "views"]) -> float:
    """Variance at the point with this current over that with the same dose spread evenly: ⟨A/m⟩/⟨A⟩, A = exp(L), m relative to its mean."""
    attenuation = _scaled(log_attenuation)
    return float((attenuation / (current / current.mean())).mean() / attenuation.mean())


def dose_saving(log_attenuation: Float[Array, "views"]) -> float:
    """Share of the dose saved at equal noise by the best modulation, 1 − ⟨√A⟩²/⟨A⟩. Gies et al. 1999, Med Phys 26:2235."""
    attenuation = _scaled(log_attenuation)
    return float(1 - np.sqrt(attenuation).mean() ** 2 / attenuation.mean())


def _scaled(log_attenuation: Float[Array, "views"]) -> Float[Array, "views"]:
    lines = np.asarray(log_attenuation, dtype=np.float64)
    if lines.size == 0 or not np.isfinite(lines).all():
        raise RangeError("line integrals that are missing or not finite", where="modulation", remedy="give one finite −ln(I/I₀) a view")
    return np.asarray(np.exp(lines - lines.max()))
