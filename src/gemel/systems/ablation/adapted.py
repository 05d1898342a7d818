"""Properties as functions of the share of fat, from livers whose ablated zones were seen. Collins et al. 2019, IEEE Trans Biomed Eng."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float

from gemel.core.errors import InputError
from gemel.core.image import Array


def adapted(
    fat_1: Float[Array, "livers"],
    params: Sequence[Mapping[str, float]],
    at_1: float,
    names: Sequence[str] = ("perfusion_1_s", "efficiency_1"),
) -> dict[str, float]:
    """Parameters at a share of fat: ln of those named is a straight line in it (least squares), the others their geometric mean.

    Raises InputError for fewer than two livers, or livers of one share of fat.
    """
    if len(params) != len(fat_1) or len(np.unique(fat_1)) < 2:
        raise InputError(f"{len(np.unique(fat_1))} shares of fat", where="adapted", remedy="give livers of two shares of fat at least")
    found = {}
    for name in params[0]:
        ln = np.log([one[name] for one in params])
        line = np.polyfit(fat_1, ln, 1) if name in names else np.array([0.0, ln.mean()])
        found[name] = float(np.exp(np.polyval(line, at_1)))
    return found
