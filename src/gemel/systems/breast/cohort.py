"""Made-up patients followed over three visits: what twins, coupled to mechanics and not, forecast of the third from the first two."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from gemel.core import twin as twins
from gemel.core.belief import Params, State
from gemel.core.image import Array
from gemel.core.model import Model
from gemel.core.system import common_draws
from gemel.core.time import DAY_S
from gemel.core.twin import Twin
from gemel.engines.inference.averaging import log_score
from gemel.systems.breast.averaging import averaged_model, uncoupled, weight
from gemel.systems.breast.body import Body
from gemel.systems.breast.case import Case, begin
from gemel.systems.breast.drugs import Dose
from gemel.systems.breast.growth_model import model_of
from gemel.systems.breast.observe import observations, observe
from gemel.systems.breast.phantom import phantom
from gemel.systems.breast.seen import cells, volume_mL
from gemel.systems.breast.virtual import VirtualPatient, field_of, state_of, virtual_patient, visit_of

DOSES_d, SECOND_d, THIRD_d = (1.0, 22.0, 43.0), 21.0, 64.0
"""A/C every three weeks; a visit before it, after the first and after the third dose, as in Jarrett et al. 2020, Neoplasia 22:820."""
SHAPE, SPACING_mm, RADII_mm = (24, 24, 20), 3.0, (8.0, 18.0)
DRAWS = 400
MODELS: Mapping[str, Callable[[Body], Model]] = {
    "coupled": model_of,
    "uncoupled": lambda body: model_of(uncoupled(body)),
    "averaged": averaged_model,
}


@dataclass(frozen=True)
class Third:
    """Of one patient at the third visit: true cells (in voxels at capacity, mm³) and volume (mL), at the first visit too; medians of what
    each model forecast; CRPS of ln cells and ln volume; ln score of all that was seen; error of the mean density by voxel (rms)."""

    true: Float[Array, "2"]
    first: Float[Array, "2"]
    median: Mapping[str, Float[Array, "2"]]
    covered: Mapping[str, Float[Array, "2"]]
    score: Mapping[str, float]
    rms: Mapping[str, float]
    weight: float


def third(
    seed: int,
    i: int,
    *,
    doses_d: Sequence[float] = DOSES_d,
    known: Mapping[str, float] | None = None,
    radii_mm: tuple[float, float] = RADII_mm,
) -> Third:
    """Patient `i` of a seed, whose cells are truly held back by stress; given A/C on some days; some true parameters may be `known`."""
    rng = common_draws(seed, i)
    made = phantom(rng, shape=SHAPE, spacing_mm=SPACING_mm, radius_mm=rng.uniform(*radii_mm))
    given = tuple(Dose("AC", day * DAY_S, 1.0) for day in doses_d)
    patient = virtual_patient(made, rng, given=given, known=known)
    case = begin(visit_of(patient, (), 0.0, rng))
    body = replace(case.body, given=given)
    at_s = {"second": SECOND_d * DAY_S, "third": THIRD_d * DAY_S}
    seen = {name: observations(observe(case, visit_of(patient, (), t_s, rng), lambda *_: None), t_s, name) for name, t_s in at_s.items()}
    held = {name: twins.assimilate(twins.new(make(body), body.start_s, i), seen["second"]) for name, make in MODELS.items()}
    reached = {name: _reached(twin, at_s["third"], i) for name, twin in held.items()}
    draws = {name: {one.kind: twin.model.observe[one.kind](*reached[name]) for one in seen["third"]} for name, twin in held.items()}
    first, true = (_truth(patient, t_s) for t_s in (0.0, at_s["third"]))
    logs = {name: np.column_stack([values["ln_cells_1"][:, 0], values["ln_volume_1"][:, 0]]) for name, values in draws.items()}
    exact = _on(case, patient, state_of(patient, (), at_s["third"])["density"][0])
    means = {name: state["density"].mean(axis=0) for name, (state, _) in reached.items()}
    return Third(
        true=true,
        first=first,
        median={name: first * np.exp(np.median(log, axis=0)) for name, log in logs.items()},
        covered={name: _covered(log, np.log(true / first + 0.005)) for name, log in logs.items()},
        score={name: log_score(values, seen["third"]) for name, values in draws.items()},
        rms={name: float(np.sqrt(np.square(mean - exact).mean())) for name, mean in means.items()},
        weight=weight(reached["averaged"][1]),
    )


def concordance(a: Float[Array, "n"], b: Float[Array, "n"]) -> float:
    """2 cov/(var a + var b + (mean a − mean b)²). Lin 1989, Biometrics 45:255."""
    covariance = float(np.mean((a - a.mean()) * (b - b.mean())))
    return 2 * covariance / float(a.var() + b.var() + (a.mean() - b.mean()) ** 2)


def _truth(patient: VirtualPatient, t_s: float) -> Float[Array, "2"]:
    """Cells seen, as mm³ at capacity, and volume."""
    density = state_of(patient, (), t_s)["density"]
    return np.array([cells(patient.body, density)[0] * patient.body.voxel_mm3, volume_mL(patient.body, density)[0]])


def _covered(draws: Float[Array, "draws 2"], truth: Float[Array, "2"]) -> Float[Array, "2"]:
    low, high = np.quantile(draws, [0.05, 0.95], axis=0)
    return np.asarray((truth >= low) & (truth <= high), dtype=float)


def _reached(twin: Twin, t_s: float, i: int) -> tuple[State, Params]:
    """Draws of what is believed, lived on to a time."""
    state, params = twin.belief.draw(DRAWS, common_draws(i, 5))
    return twin.model.dynamics(state, params, (), twin.t_s, t_s, common_draws(i, 7)), params


def _on(case: Case, patient: VirtualPatient, density: Float[Array, "n"]) -> Float[Array, "m"]:
    """True density in the voxels that the twin computes: its grid is a block of the phantom's."""
    first = np.rint((case.grid.origin_mm - patient.phantom.grid.origin_mm) / case.grid.spacing_mm).astype(int)
    block = tuple(slice(a, a + n) for a, n in zip(first, case.grid.shape))
    return np.asarray(field_of(patient.body, density)[block][case.body.mask])
