"""The ideal linear observer in pixels."""

import numpy as np
from jaxtyping import Float
from scipy.linalg import cho_factor, cho_solve

from gemel.core.errors import RangeError
from gemel.core.image import Array


def hotelling(signal: Float[Array, "n"], covariance: Float[Array, "n n"]) -> tuple[float, Float[Array, "n"]]:
    """d' = √(Δsᵀ K⁻¹ Δs) and the template w = K⁻¹ Δs. Barrett & Myers 2004, Foundations of Image Science, §13.2.12.

    Raises RangeError when K is not positive definite (fewer samples than pixels: use channels).
    """
    try:
        template = np.asarray(cho_solve(cho_factor(covariance), signal))
    except np.linalg.LinAlgError:
        raise RangeError(
            "a covariance that is not positive definite", where="hotelling", remedy="use more images than unknowns, or fewer channels"
        ) from None
    return float(np.sqrt(signal @ template)), template
