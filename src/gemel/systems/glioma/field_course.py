"""Fields of cells over time under what is given, for every draw at once: what `course` is to the averaged member."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from jaxtyping import Float

from gemel.core.belief import Params, State
from gemel.core.image import Array
from gemel.core.time import DAY_S
from gemel.engines import pde
from gemel.systems.glioma.course import ALPHA_BETA_Gy, ahead
from gemel.systems.glioma.events import DRUG, FRACTION, RESECTION, Dated, late_BED_Gy
from gemel.systems.glioma.field import FLAIR, T1GD, Invasion, diffusivity_mm2_d
from gemel.systems.glioma.ground import Ground
from gemel.systems.glioma.growth import DRUG_1_d

RATIO_1 = 5.0
"""Of diffusivity in white to that in grey matter. Swanson et al. 2000, Cell Prolif 33:317."""
SOFT, LEAST_mL = 0.05, 0.3
"""Half-width of a threshold in shares of the capacity; what is added to a volume before its logarithm: enhancement may vanish."""
KINDS = (FRACTION, DRUG, RESECTION)
FADED_d = 3.0
"""After which a dose of the drug is forgotten at a resection: 1e-12 of it is left."""
Keep = Callable[[Array], "Array | float"]


def begin(draws: int) -> State:
    """Nothing given yet. A field is never carried: it follows from the first visit's, the parameters and what was given (`past`)."""
    nothing = np.zeros(draws)
    return {"age_s": nothing, "given": np.zeros((draws, 0, 3)), "dose_Gy": nothing, "brain_BED_Gy": nothing, "start_s": nothing - 1.0}


def past(state: State) -> tuple[Dated, ...]:
    """What was given before the state's age."""
    return tuple(Dated(float(age_s), KINDS[int(kind)], float(amount)) for age_s, kind, amount in state["given"][0])


def advance(state: State, events: Iterable[Dated], until_s: float) -> State:
    """The state at an age, with all events from the state's age on and before that age."""
    due = ahead(state, events, until_s)
    rows = np.array([(e.age_s, KINDS.index(e.kind), e.amount) for e in due]).reshape(-1, 3)
    fractions = [e for e in due if e.kind == FRACTION]
    begun = np.where(state["start_s"] < 0, fractions[0].age_s, state["start_s"]) if fractions else state["start_s"]
    return {
        **state,
        "age_s": np.full_like(state["age_s"], until_s),
        "given": np.concatenate([state["given"], np.broadcast_to(rows, (len(state["age_s"]), *rows.shape))], axis=1),
        "dose_Gy": state["dose_Gy"] + sum(e.amount for e in fractions),
        "brain_BED_Gy": state["brain_BED_Gy"] + sum(late_BED_Gy(e.amount) for e in fractions),
        "start_s": begun,
    }


def seen_mL(on: Ground, cells: Float[Array, "x y z"]) -> Float[Array, "2"]:
    """Volumes over 0.80 and 0.16 of the capacity; voxels near a threshold count in part, so that they change smoothly."""
    voxels = [np.clip((cells - edge) / (2 * SOFT) + 0.5, 0.0, 1.0).sum(dtype=np.float64) for edge in (T1GD, FLAIR)]
    return np.array(voxels) * on.grid.voxel_mL


def resected(cells: Float[Array, "x y z"], share: float) -> Float[Array, "x y z"]:
    """Without the densest voxels that together hold that share of the cells."""
    order = np.argsort(-cells, axis=None, kind="stable")
    gone = np.searchsorted(np.cumsum(cells.ravel()[order], dtype=np.float64), share * cells.sum(dtype=np.float64))
    left = cells.copy().ravel()
    left[order[:gone]] = 0
    return np.asarray(left.reshape(cells.shape))


def course(on: Ground, params: Params, events: Sequence[Dated], ages_s: Sequence[float], keep: Keep) -> Float[Array, "draws times ..."]:
    """`keep` of the field at ascending ages after these events, whole from the first visit (a day of age) on; alike draws are run once."""
    rows = np.stack(list(params.values()), axis=1)
    _, first, back = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    distinct = [{name: float(values[n]) for name, values in params.items()} for n in first]
    cuts = [e for e in events if e.kind == RESECTION and e.age_s < max(ages_s)]
    cells, since_s, found = np.broadcast_to(on.start, (len(first), *on.start.shape)), DAY_S, []
    for cut in [*cuts, None]:
        until_s = cut.age_s if cut else np.inf
        ages = [a for a in ages_s if (a >= since_s or since_s == DAY_S) and a < until_s]
        if ages:
            found.append(_run(on, cells, distinct, (events, since_s), ages, keep))
        if cut:
            whole = _run(on, cells, distinct, (events, since_s), [until_s], lambda u: u)[:, 0]
            cells, since_s = np.stack([resected(u, cut.amount) for u in whole]), max(until_s, DAY_S + 1.0)
    return np.asarray(np.concatenate(found, axis=1)[back.ravel()])


def _run(
    on: Ground,
    cells: Float[Array, "draws x y z"],
    distinct: Sequence[dict[str, float]],
    given: tuple[Sequence[Dated], float],
    ages_s: Sequence[float],
    keep: Keep,
) -> Float[Array, "draws times ..."]:
    """Between two resections; given: events, and the age of the cells."""
    days = [max(0.0, (a - given[1]) / DAY_S) for a in ages_s]
    draws = [pde.Draw(pde.logistic(p["rho_1_d"]), p["D_white_mm2_d"], _happening(on, p, given, days[-1])) for p in distinct]
    by = diffusivity_mm2_d(on.tissue, Invasion(1.0, RATIO_1, 1e-3))
    return pde.solve_many(cells, on.tissue.mask, on.grid.spacing_mm, by, draws, days, keep)


def _happening(
    on: Ground, params: dict[str, float], given: tuple[Sequence[Dated], float], last_d: float
) -> tuple[pde.Event | pde.Exposure, ...]:
    """Fractions and drug by the day; of doses before the first day what is left of them."""
    alpha, kill = params["alpha_1_Gy"], params["drug_kill_1"]
    Gy = on.dose_1 if on.dose_1.size else 1.0
    dated = [((e.age_s - given[1]) / DAY_S, e) for e in given[0]]
    found: list[pde.Event | pde.Exposure] = [
        pde.linear_quadratic(t, Gy * e.amount, alpha, alpha / ALPHA_BETA_Gy) for t, e in dated if e.kind == FRACTION and 0 <= t <= last_d
    ]
    doses = [(max(t, 0.0), e.amount * np.exp(DRUG_1_d * min(t, 0.0))) for t, e in dated if e.kind == DRUG and -FADED_d < t <= last_d]
    if doses and kill > 0:
        dates, amounts = zip(*doses)
        found.append(pde.Exposure(dates, tuple(map(float, amounts)), DRUG_1_d, kill * DRUG_1_d))
    return tuple(found)
