"""Parameters of one person's PSMA model learnt from scans: activity of organs at a few times, exact posterior by importance sampling."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gemel.core.errors import RangeError
from gemel.core.image import Array
from gemel.core.parameter import Parameter, draw_free
from gemel.engines.inference import importance
from gemel.engines.inference.course import named, unwhitened
from gemel.systems.theranostics import pbpk
from gemel.systems.theranostics.pbpk_parameters import Number, Values, free_parameters

LEARNT = (
    *("R_kidney_nmol_L", "R_salivary_nmol_L", "R_tumor1_nmol_L", "R_tumor2_nmol_L", "N_tumor_rest_nmol"),
    *("R_liver_per_prostate_1", "lambda_rel_kidney_1_min", "lambda_rel_salivary_1_min", "lambda_rel_tumor1_1_min", "TER_L_min"),
)


@dataclass(frozen=True)
class Scan:
    """Activity (MBq) of organs seen at a time, with its standard deviation (MBq)."""

    t_min: float
    activity_MBq: Mapping[str, float]
    sd_MBq: Mapping[str, float]


def learnt(
    known: Values,
    scans: Sequence[Scan],
    injection: pbpk.Injection,
    rng: np.random.Generator,
    *,
    names: tuple[str, ...] = LEARNT,
    draws: int = 1000,
) -> dict[str, Number]:
    """Draws of the named parameters given the scans, with all others as `known`; errors are normal and independent.

    Raises RangeError for a scan of an organ that the model has not, or with no standard deviation.
    """
    free = free_parameters(names)
    for scan in scans:
        _require_sane(scan)

    def residuals(z: Float[Array, "n d"]) -> Float[Array, "n m"]:
        values = named(free, unwhitened(free, z))
        held = {p.name: np.clip(values[p.name], *p.bounds) for p in free}
        outside = np.logical_or.reduce([held[p.name] != values[p.name] for p in free])
        return np.where(outside[:, None], np.inf, misfit({**known, **held}, scans, injection))

    found = importance.sample(residuals, len(free), draws, rng)
    return {**known, **named(free, unwhitened(free, found.z))}


def misfit(params: Values, scans: Sequence[Scan], injection: pbpk.Injection) -> Float[Array, "draws m"]:
    """(prediction − activity)/sd of each organ of each scan."""
    solution = pbpk.course(params, [injection], np.array([scan.t_min for scan in scans]))
    scale = np.reshape(pbpk.MBq_per_nmol(params), (-1, 1))
    columns = [
        (solution.values[:, i, solution.names.index(organ)][:, None] * scale - value) / scan.sd_MBq[organ]
        for i, scan in enumerate(scans)
        for organ, value in scan.activity_MBq.items()
    ]
    return np.concatenate(columns, axis=1)


def prior(known: Values, draws: int, rng: np.random.Generator, *, names: tuple[str, ...] = LEARNT) -> dict[str, Number]:
    """Draws of the named parameters before any scan."""
    free: tuple[Parameter, ...] = free_parameters(names)
    return {**known, **named(free, draw_free(free, draws, rng))}


def _require_sane(scan: Scan) -> None:
    strange = sorted(set(scan.activity_MBq) - set(pbpk.ORGANS))
    if strange:
        raise RangeError(f"activity of {', '.join(strange)}", where="scan", remedy=f"name organs of the model: {', '.join(pbpk.ORGANS)}")
    for organ, value in scan.activity_MBq.items():
        sd = scan.sd_MBq.get(organ, 0.0)
        if not (np.isfinite(value) and value >= 0 and np.isfinite(sd) and sd > 0):
            raise RangeError(
                f"{value} ± {sd} MBq in {organ}", where=f"scan at {scan.t_min} min", remedy="give activity with its sd above 0"
            )
