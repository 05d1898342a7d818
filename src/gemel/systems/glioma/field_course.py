"""Fields of cells over time under what is given, for every draw at once: what `course` is to the averaged member."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from jaxtyping import Float

from gemel.core.belief import Params, State
from gemel.core.image import Array
from gemel.systems.glioma.course import ahead
from gemel.systems.glioma.events import DRUG, FRACTION, RESECTION, Dated, late_BED_Gy
from gemel.systems.glioma.field import FLAIR, T1GD
from gemel.systems.glioma.field_runs import Asked, looked
from gemel.systems.glioma.ground import Ground
from gemel.systems.glioma.transport import WAY

SOFT, LEAST_mL = 0.05, 0.3
"""Half-width of a threshold in shares of the capacity; what a volume's logarithm ends at: enhancement may vanish."""
KINDS = (FRACTION, DRUG, RESECTION)
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


def within(cells: Float[Array, "x y z"], edge: float) -> Float[Array, "x y z"]:
    """Whether voxels lie over an edge; those near it in part, so that volumes change smoothly."""
    return np.clip((cells - np.float32(edge)) / np.float32(2 * SOFT) + np.float32(0.5), 0.0, 1.0)


def seen_mL(on: Ground, cells: Float[Array, "x y z"]) -> Float[Array, "2"]:
    """Volumes over 0.80 and 0.16 of the capacity."""
    return np.array([within(cells, edge).sum(dtype=np.float64) for edge in (T1GD, FLAIR)]) * on.grid.voxel_mL


def course(
    on: Ground, params: Params, events: Sequence[Dated], ages_s: Sequence[float], keep: Keep, *, dead: bool = True
) -> Float[Array, "draws times ..."]:
    """`keep` of the cells at ascending ages after these events, whole from the first visit (a day of age) on.

    `dead`: with those that were killed and not yet cleared, as images show them. Draws that differ in nothing that acts are run once.
    """
    acting = _acting({e.kind for e in events if e.age_s <= max(ages_s)}, dead)
    rows = np.stack([params[name] for name in acting], axis=1)
    _, first, back = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    ordered, way = sorted(events, key=lambda e: (e.age_s, e.kind)), params[WAY][first]
    found: dict[int, Array] = {}
    for one in np.unique(way):
        which = np.flatnonzero(way == one)
        draws = [{name: float(values[first[n]]) for name, values in params.items()} for n in which]
        kept = looked(Asked(on, draws, ordered, ages_s, dead), lambda u, living, gone: keep(living + gone))
        found |= {int(n): np.stack(row) for n, row in zip(which, kept)}
    return np.stack([found[int(n)] for n in back.ravel()])


def _acting(kinds: set[str], dead: bool) -> list[str]:
    """Names of what a run depends on."""
    killed = dead and bool(kinds & {FRACTION, DRUG})
    given = {"alpha_1_Gy": FRACTION in kinds, "drug_kill_1": DRUG in kinds, "clearance_1_d": killed}
    return ["rho_1_d", "D_white_mm2_d", WAY, *(name for name, acts in given.items() if acts)]
