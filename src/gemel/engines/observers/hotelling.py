"""The ideal linear observer in pixels."""

import numpy as np
from jaxtyping import Float
from scipy.linalg import cho_factor, cho_solve

from gemel.core.errors import GeometryError, RangeError
from gemel.core.image import Array


def hotelling(signal: Float[Array, "n"], covariance: Float[Array, "_ _"]) -> tuple[float, Float[Array, "n"]]:
    """d' = √(Δsᵀ K⁻¹ Δs) and the template w = K⁻¹ Δs. Barrett & Myers 2004, Foundations of Image Science, §13.2.12.

    Raises GeometryError for a covariance of another size, RangeError for values that are not finite and when K is not positive definite
    (fewer samples than pixels: use channels).
    """
    if signal.ndim != 1 or covariance.shape != (len(signal), len(signal)):
        found = f"a covariance of {covariance.shape} for a signal of {signal.shape}"
        raise GeometryError(found, where="hotelling", remedy="give (n,) and (n, n) of the same pixels or channels")
    if not (np.isfinite(signal).all() and np.isfinite(covariance).all()):
        raise RangeError("a signal or covariance that is not finite", where="hotelling", remedy="leave images with gaps out")
    try:
        template = np.asarray(cho_solve(cho_factor(covariance), signal))
    except np.linalg.LinAlgError:
        raise RangeError(
            "a covariance that is not positive definite", where="hotelling", remedy="use more images than unknowns, or fewer channels"
        ) from None
    return float(np.sqrt(signal @ template)), template
