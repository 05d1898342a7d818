"""What data tell of a parameter: the spread of its posterior to that of its prior."""

import numpy as np
from jaxtyping import Float

from gemel.core.image import Array
from gemel.core.parameter import Parameter


def narrowing(parameter: Parameter, prior: Float[Array, "n"], posterior: Float[Array, "m"]) -> float:
    """Posterior to prior sd on the scale where the prior is normal; 1: nothing was learned."""
    one, other = (np.log(draws) if parameter.family == "lognormal" else np.asarray(draws) for draws in (posterior, prior))
    return float(np.std(one) / np.std(other))
