"""The library: plans made ahead for the anatomies that tomorrow may bring, and what each would do on any of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from jaxtyping import Bool, Float
from scipy.ndimage import binary_dilation

from gemel.core.belief import Params, State
from gemel.core.image import Array, Image
from gemel.core.model import Observe, Readout
from gemel.core.record import Plan
from gemel.core.structures import Structures
from gemel.core.system import Progress, common_draws
from gemel.core.twin import Twin
from gemel.devices.proton import Machine
from gemel.engines.medoids import k_medoids
from gemel.engines.parallel import mapped
from gemel.engines.surrogate import Surrogate, fit, predict
from gemel.systems.prostate_radiotherapy.anatomy import anatomy_of
from gemel.systems.prostate_radiotherapy.case import Case, rsp_of
from gemel.systems.prostate_radiotherapy.dosimetry import CURVES, UNITS, CURVE_LEVELS_Gy, curves, readouts
from gemel.systems.prostate_radiotherapy.model import coordinates, plan_index
from gemel.systems.prostate_radiotherapy.modes import REACH
from gemel.systems.prostate_radiotherapy.plans import CLINICAL, TWIN, Beamline, Margins, PlanOfLibrary, dose_Gy, make_plan, matched
from gemel.systems.prostate_radiotherapy.state import from_vector

BASELINE = "clinical"
DRAWS = 400
DESIGN = 32
SCALE = np.array([0.35, 0.25, 8.0, 8.0, 8.0, 6.0])
"""Change of each coordinate that costs a plan about as much: a third of a bladder, 6° of rotation (1.5 mm at the ends of the prostate);
shifts count little, because the couch brings the target to the plan's."""
Evaluation = tuple[dict[str, float], dict[str, Array]]


@dataclass(frozen=True)
class Library:
    """`plans`: the first for the planning anatomy, then one for each medoid of the forecast, the clinical one last.

    `design` are the anatomies on which every plan was evaluated and `table` the readouts found there (plans, design, readouts), followed
    by the histograms `curves`; `emulators`, one a plan, interpolate between them with their own error.
    """

    plans: tuple[PlanOfLibrary, ...]
    readouts: tuple[str, ...]
    curves: tuple[str, ...]
    design: Float[Array, "n 6"]
    table: Float[Array, "plans n m"]
    emulators: tuple[Surrogate, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the plans in order."""
        return tuple(plan.name for plan in self.plans)


def beamline(case: Case) -> Beamline:
    """Machine, isocentre and gantry angles of a case."""
    return Beamline(Machine.generic(), case.isocentre_mm, case.gantry_deg)


def anatomies(library: Library) -> Float[Array, "plans 6"]:
    """The anatomy each plan was made for."""
    return np.stack([plan.anatomy for plan in library.plans])


def prepare(twin: Twin, case: Case, k: int, t_s: float, progress: Progress) -> Library:
    """Robust plans for `k` anatomies, evaluated on a design of forecast ones: planning's and k − 1 medoids of the forecast for `t_s`."""
    rng = common_draws(twin.seed, 1)
    state, params = twin.belief.draw(DRAWS, rng)
    state = twin.model.dynamics(state, params, (), twin.t_s, t_s, rng)
    forecast = np.clip(coordinates(twin.model.observe, state, params), *REACH.T)
    groups = k_medoids(forecast / SCALE, k - 1, rng) if k > 1 else None
    picked = groups.indices if groups else np.zeros(0, dtype=int)
    wanted = np.concatenate([np.zeros((1, 6)), forecast[picked]])
    tasks = [(f"day-{i}", anatomy, TWIN) for i, anatomy in enumerate(wanted)] + [(BASELINE, np.zeros(6), CLINICAL)]
    plans = tuple(mapped(partial(_plan, case), tasks, partial(progress, "plans")))
    rest = np.setdiff1d(np.arange(DRAWS), picked)[: max(0, DESIGN - k)]
    design = np.concatenate([wanted, forecast[rest]])
    table = mapped(partial(_evaluate, case, plans), list(design), partial(progress, "forecast doses"))
    names, histograms, columns = _columns(table)
    group = np.array([*range(len(names)), *(len(names) + i for i in range(len(histograms)) for _ in CURVE_LEVELS_Gy)])
    emulators = tuple(fit(design / SCALE, rows, group=group) for rows in columns)
    return Library(plans, names, histograms, design, columns, emulators)


def _plan(case: Case, task: tuple[str, Float[Array, "6"], Margins]) -> PlanOfLibrary:
    name, anatomy, margins = task
    ct, structures = _anatomy(case, anatomy)
    return make_plan(name, rsp_of(ct, structures), structures, beamline(case), margins=margins, anatomy=anatomy)


def _anatomy(case: Case, anatomy: Float[Array, "6"]) -> tuple[Image, Structures]:
    """The planning anatomy itself where nothing moves."""
    return anatomy_of(case.ct, case.structures, case.modes, from_vector(anatomy)) if anatomy.any() else (case.ct, case.structures)


def _evaluate(case: Case, plans: tuple[PlanOfLibrary, ...], anatomy: Float[Array, "6"]) -> list[Evaluation]:
    """Readouts and histograms of every plan on one anatomy, the couch matched."""
    line = beamline(case)
    ct, structures = _anatomy(case, anatomy)
    rsp, judged = rsp_of(ct, structures), judged_voxels(structures)
    doses = [dose_Gy(plan, rsp, matched(plan, structures, line), voxels=judged) for plan in plans]
    return [(dict(readouts(dose, structures)), curves(dose, structures)) for dose in doses]


def judged_voxels(structures: Structures) -> Bool[Array, "x y z"]:
    """Voxels that readouts depend on: the structures and the neighbours that their dose gradients need."""
    held = [structures.masks[name] for name in CURVES if name in structures.masks]
    return np.asarray(binary_dilation(np.any(held, axis=0)))


def histograms(library: Library, row: Float[Array, "m"]) -> dict[str, Float[Array, "levels"]]:
    """The histograms in a row of the table or of an emulator's output."""
    held = row[len(library.readouts) :].reshape(len(library.curves), len(CURVE_LEVELS_Gy))
    return dict(zip(library.curves, held))


def _columns(table: list[list[Evaluation]]) -> tuple[tuple[str, ...], tuple[str, ...], Float[Array, "plans n m"]]:
    """Names of the readouts and histograms that every anatomy has, and their values side by side."""
    flat = [cell for day in table for cell in day]
    names = tuple(name for name in UNITS if all(name in values for values, _ in flat))
    histograms = tuple(f"DVH_{name}" for name in CURVES if all(f"DVH_{name}" in held for _, held in flat))
    rows = [np.concatenate([[values[name] for name in names], *(held[name] for name in histograms)]) for values, held in flat]
    return names, histograms, np.array(rows).reshape(len(table), len(table[0]), -1).transpose(1, 0, 2)


@dataclass(frozen=True)
class _Emulated:
    """Columns of the emulators' outputs as one readout, capped at `top`."""

    library: Library
    observe: Mapping[str, Observe]
    columns: slice
    top: float

    def __call__(self, state: State, params: Params, plan: Plan, rng: np.random.Generator) -> Float[Array, "draws ..."]:
        emulator = self.library.emulators[plan_index(plan, len(self.library.plans))]
        mean, sd = predict(emulator, np.clip(coordinates(self.observe, state, params), *REACH.T) / SCALE)
        noise = rng.standard_normal((len(mean), 1))
        values = np.clip(mean[:, self.columns] + sd[:, self.columns] * noise, 0.0, self.top)
        return values[:, 0] if values.shape[1] == 1 else values


def emulated(library: Library, observe: Mapping[str, Observe]) -> dict[str, Readout]:
    """The library's readouts and histograms as functions of the day's anatomy, with the emulator's own error drawn in."""
    places = {name: (slice(i, i + 1), np.inf) for i, name in enumerate(library.readouts)}
    first, width = len(library.readouts), len(CURVE_LEVELS_Gy)
    places |= {name: (slice(first + i * width, first + (i + 1) * width), 1.0) for i, name in enumerate(library.curves)}
    what = "emulated from the library's doses"
    return {name: Readout(UNITS.get(name, "1"), _Emulated(library, observe, *place), what) for name, place in places.items()}
