"""Invasion learned from segmented visits: the most probable parameters and Laplace's posterior, by Levenberg–Marquardt on volumes.

Derivatives are differences of whole runs now; `Residuals` is where an adjoint takes their place.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float

from gemel.core.errors import InputError, RangeError, StructureError
from gemel.core.image import Array
from gemel.engines.inference.least_squares import mode
from gemel.systems.glioma.field import FLAIR, NOTHING, RANGE, T1GD, Invasion, Therapy, forward
from gemel.systems.glioma.tissue import Tissue

SOFT = 0.05
"""Half-width of the threshold, in shares of the capacity: volumes then change smoothly with the parameters."""
LEAST_mL = 0.5
"""Added to every volume: enhancement may vanish under treatment, and small volumes tell little."""
PRIORS = {"D_white_mm2_d": (0.13, 1.0), "rho_1_d": (0.03, 0.8), "alpha_1_Gy": (0.046, 0.73)}
"""Medians and ln-sd: Harpold et al. 2007, J Neuropathol Exp Neurol 66:1 (D, ρ of untreated glioblastoma); Qi et al. 2006."""
INFORMED = 0.9


@dataclass(frozen=True)
class Visit:
    """Outlines at a day after the first visit, each with the ln error of its volume."""

    t_days: float
    enhancing: Bool[Array, "x y z"]
    flair: Bool[Array, "x y z"]
    ln_sd: tuple[float, float] = (0.1, 0.15)


@dataclass(frozen=True)
class Fitted:
    """The most probable parameters, the standard deviation of their logarithms, and by name those that the visits do not inform."""

    invasion: Invasion
    ln_sd: dict[str, float]
    covariance: Float[Array, "p p"]
    not_informed: tuple[str, ...]
    cost: float


def fitted(
    of: Tissue, start: Float[Array, "x y z"], visits: Sequence[Visit], *, known: Invasion, therapy: Therapy = NOTHING, steps: int = 8
) -> Fitted:
    """Parameters of PRIORS from visits, others as `known`; α only where there were fractions before the last visit.

    Raises InputError for no visits, or ones out of order or on one day; StructureError for one without T2/FLAIR.
    """
    times = [visit.t_days for visit in visits]
    if not times or times[0] <= 0 or min(np.diff(times), default=1.0) < 0.5:
        raise InputError(f"visits on days {times}", where="fit", remedy="give later visits in order, one a day")
    names = [n for n in PRIORS if n != "alpha_1_Gy" or any(t < times[-1] for t in therapy.fractions_d)]
    seen = np.concatenate([_ln_mL(of, visit) for visit in visits])
    sd = np.concatenate([v.ln_sd for v in visits])

    def residuals(z: Float[Array, "n d"]) -> Float[Array, "n m"]:
        return np.stack([_residual(of, start, (times, seen, sd), _at(known, names, row), therapy) for row in z])

    found = mode(residuals, np.zeros((1, len(names))), steps=steps)
    spread = np.array([PRIORS[n][1] for n in names])
    covariance = np.linalg.inv(found.curvature)
    ratio = np.sqrt(np.diagonal(covariance))
    invasion = _at(known, names, found.z)
    if invasion is None:
        raise RangeError("no parameters within the stable range", where="fit", remedy="check outlines and dates")
    return Fitted(
        invasion,
        {n: float(r * s) for n, r, s in zip(names, ratio, spread)},
        covariance * np.outer(spread, spread),
        tuple(n for n, r in zip(names, ratio) if r > INFORMED),
        found.cost,
    )


def _ln_mL(of: Tissue, visit: Visit) -> Float[Array, "2"]:
    if not visit.flair.any():
        raise StructureError("an empty outline", where=f"flair, day {visit.t_days:g}", remedy="leave the visit out, or segment it again")
    voxels = np.array([np.count_nonzero(visit.enhancing), np.count_nonzero(visit.flair)])
    return np.asarray(np.log(voxels * of.voxel_mL + LEAST_mL))


def _at(known: Invasion, names: Sequence[str], z: Float[Array, "d"]) -> Invasion | None:
    """Parameters at a point of the standard normal space; None beyond the stable range."""
    values = {n: float(PRIORS[n][0] * np.exp(PRIORS[n][1] * x)) for n, x in zip(names, z)}
    if any(not RANGE[n][0] <= v <= RANGE[n][1] for n, v in values.items()):
        return None
    return replace(known, **values)


def _residual(
    of: Tissue,
    start: Float[Array, "x y z"],
    data: tuple[Sequence[float], Float[Array, "m"], Float[Array, "m"]],
    invasion: Invasion | None,
    therapy: Therapy,
) -> Float[Array, "m"]:
    times, seen, sd = data
    if invasion is None:
        return np.full(len(seen), np.inf)
    fields = forward(of, start, invasion, t_days=times, therapy=therapy)
    voxels = [np.clip((u - c) / (2 * SOFT) + 0.5, 0.0, 1.0).sum(dtype=np.float64) for u in fields for c in (T1GD, FLAIR)]
    return np.asarray((np.log(np.array(voxels) * of.voxel_mL + LEAST_mL) - seen) / sd)
