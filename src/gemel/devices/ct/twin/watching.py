"""What the charts say of a scanner since it was last set right: alarms, the likeliest cause, and how long until a limit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gemel.core.image import Array
from gemel.core.record import Action
from gemel.core.time import DAY_S
from gemel.devices.ct.twin.case import Case
from gemel.devices.ct.twin.names import CAUSE_OF, CAUSES, COMPONENTS, RECALIBRATE, SERVICE
from gemel.devices.ct.twin.observe import Day
from gemel.devices.ct.twin.readouts import worst
from gemel.devices.ct.twin.table import response, row
from gemel.devices.ct.twin.task import FIVE_mm, Sensitivity
from gemel.engines.inference.charts.faults import Faults, ahead, faults, shares
from gemel.engines.inference.charts.monitor import Monitor, Watch, in_innovations, watch

WINDOW_d = 90
"""Checks that a fault is looked for in."""
HORIZON_d = 180
DRAWS = 2000
LEAST_FAULT = 0.5
"""Probability of a fault from which a cause is named without an alarm."""


@dataclass(frozen=True)
class Status:
    """Charts since the last action and the times of their days; alarms; shares of causes and components.


    `p_fault`: probability that there is a fault at all, `p_limit`: that a limit is passed within HORIZON_d; `lead_d`: days until then, 5 %,
    median and 95 %, infinite beyond.
    """

    times_s: Float[Array, "days"]
    watch: Watch
    causes: Mapping[str, float]
    components: Mapping[str, float]
    p_fault: float
    p_limit: float
    lead_d: tuple[float, float, float]

    @property
    def alarmed(self) -> bool:
        """Whether any chart alarmed since the last action."""
        return bool(self.watch.alarm.any())

    @property
    def suspected(self) -> bool:
        """Whether there is a fault to find a cause for: an alarm, or one that is likelier than not."""
        return self.alarmed or self.p_fault >= LEAST_FAULT

    @property
    def cause(self) -> str:
        """The likeliest cause, if there is a fault."""
        return max(CAUSES, key=lambda cause: self.causes[cause])


def status(
    case: Case, days: Sequence[Day], given: Sequence[Action], rng: np.random.Generator, *, task: Sensitivity = FIVE_mm
) -> Status | None:
    """What stands now; None before the first check since the last action that set something right."""
    since_s = max((a.t_s for a in given if a.kind in (RECALIBRATE, SERVICE)), default=-np.inf)
    held = sorted((day for day in days if day.acquired_s > since_s), key=lambda day: day.acquired_s)
    if not held:
        return None
    times_s = np.array([day.acquired_s for day in held])
    y = np.stack([day.values for day in held])
    charts = watch(case.monitor, y, times_s / DAY_S)
    found = cause_of(case.monitor, y)
    answers = response(case.light, case.dense, case.exposure.kVp)
    share = shares(found, len(COMPONENTS)) if found else np.full(len(COMPONENTS), 1.0 / len(COMPONENTS))
    lead_d = lead_draws_d(found, answers, task, rng) if found else np.full(DRAWS, np.inf)
    return Status(
        times_s,
        charts,
        {cause: float(sum(p for p, of in zip(share, CAUSE_OF) if of == cause)) for cause in CAUSES},
        {name: float(p) for name, p in zip(COMPONENTS, share)},
        1.0 - float(found.probability[0]) if found else 0.0,
        float((lead_d <= HORIZON_d).mean()),
        (float(np.quantile(lead_d, 0.05, method="lower")), float(np.median(lead_d)), float(np.quantile(lead_d, 0.95, method="higher"))),
    )


def cause_of(held: Monitor, values: Float[Array, "days m"]) -> Faults | None:
    """The posterior over faults in the last WINDOW_d checks; None for a single one."""
    y, h, phi = in_innovations(held, values[-WINDOW_d:])
    return faults(y, h, row("fault_size"), phi=phi) if len(y) > 1 else None


def lead_draws_d(found: Faults, answers: Float[Array, "m d"], task: Sensitivity, rng: np.random.Generator) -> Float[Array, "draws"]:
    """Draws of the days until the first limit is passed, each fault going on as it began; 0: passed already; inf: not within HORIZON_d."""
    grid = np.arange(0.0, HORIZON_d + 1.0, 3.0)
    departures = ahead(found, grid, len(COMPONENTS), draws=DRAWS, rng=rng)
    beyond = worst(departures, answers, task) >= 1.0
    first = grid[np.argmax(beyond, axis=1)]
    return np.where(beyond.any(axis=1), first, np.inf)
