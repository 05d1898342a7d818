"""Today's plan made from a stored one: its weights go on where they were, on today's anatomy, until the time is up."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from gemel.core.errors import RangeError
from gemel.core.image import Array
from gemel.core.system import Adaptation, Effort, Progress
from gemel.core.twin import Twin
from gemel.engines import optimise
from gemel.engines.optimise.warm import carry_over
from gemel.systems.prostate_radiotherapy.case import Case, rsp_of
from gemel.systems.prostate_radiotherapy.judge import judged
from gemel.systems.prostate_radiotherapy.library import beamline
from gemel.systems.prostate_radiotherapy.observe import Day
from gemel.systems.prostate_radiotherapy.plans import TWIN, PlanOfLibrary, Posed, matched, needed, pose, solve
from gemel.systems.prostate_radiotherapy.state import to_vector

LEAST_s = 1.0
"""Search time below which nothing is gained over the stored plan."""

CLOSE = optimise.Search(decrease=1e-5, cosine=3e-3, max_iterations=10_000)
"""A search that goes on from a good plan starts where the usual tests would soon end it: time is what limits it here."""


def adapt(twin: Twin, case: Case, day: Day, plan: PlanOfLibrary, *, effort: Effort, progress: Progress) -> Adaptation:
    """The plan re-optimised on the day's anatomy with the margins of the twin's plans, judged as the library's are.

    `effort.seconds` covers the matrices and the search; the judgement comes after. The couch is matched as for `plan`, so that its spots
    lie on the grid of today's, and its weights are the start. Raises RangeError when the matrices leave no time to search.
    """
    began = effort.clock()
    progress("adapting", 0, 1)
    posed = posed_today(case, day, plan)
    left_s = effort.seconds - (effort.clock() - began)
    if left_s < LEAST_s:
        remedy = f"allow at least {effort.seconds - left_s + 10:.0f} s"
        raise RangeError(f"{effort.seconds:g} s, which the preparation has used up", where="adapt", remedy=remedy)
    found, curve = searched(posed, carry_over(plan.spots, plan.weights, posed.spots), left_s, effort.clock)
    made = finished(effort.name, posed, found, plan, day)
    progress("adapting", 1, 1)
    judgement = judged(twin, case, [made], day, draws=effort.draws, rng=effort.rng, progress=progress)
    return Adaptation(made, judgement, curve, found.iterations, found.status)


def posed_today(case: Case, day: Day, plan: PlanOfLibrary) -> Posed:
    """The twin's robust problem on the day's anatomy with the couch as for `plan`, on today's spots and the plan's own.

    Every scenario's matrix is made here, so that the search's clock starts after them.
    """
    at = matched(plan, day.structures, beamline(case))
    posed = pose(rsp_of(day.ct, day.structures), day.structures, at, margins=TWIN, also=plan.spots)
    return replace(posed, errors=list(posed.errors))


def searched(
    posed: Posed, start: Float[Array, "n"] | None, seconds: float, clock: Callable[[], float]
) -> tuple[optimise.PlanResult, Float[Array, "k 2"]]:
    """The search from `start` (None: equal weights) for at most `seconds`, and its curve of (seconds, value)."""
    began, curve = clock(), []

    def told(_: int, value: float) -> None:
        curve.append((clock() - began, value))

    found = solve(posed, replace(CLOSE, seconds=seconds, clock=clock, progress=told), start)
    return found, np.array(curve, dtype=np.float64).reshape(-1, 2)


def finished(name: str, posed: Posed, found: optimise.PlanResult, plan: PlanOfLibrary, day: Day) -> PlanOfLibrary:
    """The plan of the search, its couch matched as that of `plan`. Raises RangeError when it gives nothing."""
    if not found.weights.max() > 0:
        raise RangeError("a search that ended with no weight at all", where="adapt", remedy="start from another plan with --from")
    used = needed(found.weights)
    return PlanOfLibrary(name, posed.spots[used], found.weights[used], to_vector(day.state), plan.target_mm, TWIN, found.status)
