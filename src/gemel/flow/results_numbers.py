"""A twin's numbers as they are handed on: what its next scan should show, what each plan gives, how likely each limit is met."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from gemel.flow.session import Session, last_decision
from gemel.flow.show import Overview
from gemel.io.interval import Interval, ucum, unit_in
from gemel.io.measurement_report import Group
from gemel.store import Event

EXPECTED = "expected at the next scan"


@dataclass(frozen=True)
class Judged:
    """One plan of a decision: its readouts, the probability of each limit, how often it is the best, and whether it was recommended."""

    plan: str
    readouts: tuple[Interval, ...]
    limits: Mapping[str, float]
    p_best: float
    recommended: bool


def expected(overview: Overview) -> tuple[Interval, ...]:
    """Each component of what the next scan should show; none of which the draws are not finite."""
    rows = [row for row in overview.expected if math.isfinite(row.low) and math.isfinite(row.high)]
    return tuple(Interval(row.name, ucum(unit_in(row.name)), row.median, row.low, row.high) for row in rows)


def judged(session: Session, decided: Event) -> tuple[Judged, ...]:
    """The plans of a decision, best first, as it found them."""
    units = {name: readout.unit for name, readout in session.twin.model.readouts.items()}
    payload = decided.payload
    return tuple(
        Judged(
            row["name"],
            tuple(Interval(name, ucum(units.get(name, unit_in(name))), *held) for name, held in payload["readouts"][row["name"]].items()),
            dict(row["p_limits"]),
            float(row["p_best"]),
            row["name"] == payload["recommended"],
        )
        for row in payload["options"]
    )


def groups(session: Session, overview: Overview) -> list[Group]:
    """All of them under headings."""
    found = [Group("next scan", f"{EXPECTED}, {overview.next_at}", expected(overview))]
    decided = last_decision(session)
    for plan in judged(session, decided) if decided else ():
        what = f"readouts of plan {plan.plan}" + (", recommended" if plan.recommended else "")
        found.append(Group(plan.plan, what, plan.readouts))
    return [group for group in found if group.measured]
