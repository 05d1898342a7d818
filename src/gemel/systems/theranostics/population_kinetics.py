"""The six-state population model of Lu-177-PSMA by itself: activity of blood, four organs and the rest, many draws at once.

The equations of `blood`, with decay. Medians and spreads between patients as in the table of priors: Siebinga et al. 2023, CPT
Pharmacometrics Syst Pharmacol 12:1060, glands raised as told there, most of the spreads assumed.
"""

from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np
from jaxtyping import Float, Int

from gemel.core.errors import InputError
from gemel.core.image import Array
from gemel.core.network import Network
from gemel.core.parameter import Parameter
from gemel.engines.decay import nuclide
from gemel.engines.ode import Dose, Tolerance, compiled, require_solved, solve
from gemel.systems.theranostics.blood import decay, exchange
from gemel.systems.theranostics.population import population

ORGANS = ("salivary", "kidney", "liver", "tumour", "rest")
STATES = ("blood", *ORGANS)
Number = float | int | Array
Times = Float[Array, "times"] | Int[Array, "times"] | Sequence[float | int] | float | int
TOLERANCE = Tolerance(relative=1e-5, absolute=1e-6)
NAMES = (
    *("excretion_1_h", "to_salivary_1_h", "from_salivary_1_h", "salivary_capacity_MBq", "to_kidney_1_h", "from_kidney_1_h"),
    *("to_liver_1_h", "from_liver_1_h", "to_tumour_1_h_g", "from_tumour_1_h", "to_rest_1_h", "from_rest_1_h"),
)


def kinetic_parameters() -> tuple[Parameter, ...]:
    """Log-normal priors of the rate constants."""
    return tuple(p for p in population().parameters if p.name in NAMES)


def default_parameters() -> dict[str, float]:
    """The typical patient of the priors; uptake of the tumour is that of one gram."""
    return {p.name: p.centre for p in kinetic_parameters()}


@cache
def network() -> Network:
    """Blood and five compartments, MBq and hours."""
    reactions = (*exchange(ORGANS), *decay(STATES))
    return Network(STATES, tuple(dict.fromkeys(r.coefficient for r in reactions)), reactions)


def amounts(
    params: Mapping[str, Number], injected_MBq: Number, t_h: Times, *, tumour_g: float | int = 1.0, label: str = "Lu-177"
) -> dict[str, Float[Array, "draws times"]]:
    """Activity (MBq) of every state at the times, with decay of the label. Raises InputError for missing parameters or a failed draw."""
    missing = sorted(set(NAMES) - set(params))
    if missing:
        raise InputError(f"no {', '.join(missing)}", where="population kinetics", remedy="change a copy of default_parameters()")
    values = np.broadcast_arrays(
        *(np.atleast_1d(np.asarray(params[name], dtype=np.float64)) for name in NAMES), np.atleast_1d(injected_MBq)
    )
    rates = _rates(dict(zip(NAMES, values)), tumour_g, np.log(2) / nuclide(label).half_life_s * 3600)
    k = np.stack([np.broadcast_to(rates[name], values[0].shape) for name in network().coefficients], axis=1)
    times, back = np.unique(np.atleast_1d(np.asarray(t_h, dtype=np.float64)), return_inverse=True)
    found = solve(compiled(network(), ()), k, t=times, doses=[Dose("blood", values[-1])], tolerance=TOLERANCE)
    require_solved(found.status, "population kinetics")
    return {name: found.values[:, back, i] for i, name in enumerate(STATES)}


def _rates(p: dict[str, Array], tumour_g: float | int, decay_1_h: float) -> dict[str, Array]:
    found = {name.removesuffix("_1_h"): value for name, value in p.items() if name.endswith("_1_h")}
    found |= {"to_tumour": p["to_tumour_1_h_g"] * tumour_g, "saturated_salivary": p["to_salivary_1_h"] / p["salivary_capacity_MBq"]}
    return found | {"decay": np.asarray(decay_1_h)}
