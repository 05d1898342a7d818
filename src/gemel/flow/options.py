"""The newest decision as people compare it: options, chances of each limit, readouts with units, a front of two aims, what was given."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gemel.core.decision import Limit, Option, label
from gemel.core.system import Deviation
from gemel.core.time import iso
from gemel.flow.session import Session, given_on, last_decision, require_library
from gemel.store import Event


@dataclass(frozen=True)
class Spread:
    """Median and 90 % interval of a readout."""

    unit: str
    median: float
    low: float
    high: float


@dataclass(frozen=True)
class Front:
    """Where an option lies between two aims."""

    name: str
    x: float
    y: float


@dataclass(frozen=True)
class Chosen:
    """What a person gave on the decision."""

    plan: str
    actor: str
    note: str
    at: str


@dataclass(frozen=True)
class Bound:
    """A limit, and the probability with which it must be met."""

    label: str
    probability: float


@dataclass(frozen=True)
class Comparison:
    """A decision; `options` from the best to the worst; `front_labels` name the two aims. All numbers are finite, as the record's are."""

    version: int
    at: str
    made_by: str
    recommended: str
    baseline: str
    reason: str
    unit: str
    options: tuple[Option, ...]
    limits: tuple[Bound, ...]
    readouts: Mapping[str, Mapping[str, Spread]]
    front: tuple[Front, ...]
    front_labels: tuple[str, str]
    given: Chosen | None
    deviations: tuple[Deviation, ...]


def comparison(session: Session) -> Comparison | None:
    """The newest decision that counts; None before one."""
    decided = last_decision(session)
    if decided is None:
        return None
    goal, payload = session.system.goal(), decided.payload
    points, labels = _front(payload, goal.limits, goal.unit)
    return Comparison(
        version=decided.version,
        at=iso(decided.valid_s),
        made_by=decided.actor,
        recommended=payload["recommended"],
        baseline=payload.get("baseline", ""),
        reason=payload["reason"],
        unit=goal.unit,
        options=tuple(Option(**option) for option in payload["options"]),
        limits=tuple(Bound(label(limit), limit.probability) for limit in goal.limits),
        readouts={plan: {name: _spread(session, name, row) for name, row in of.items()} for plan, of in payload["readouts"].items()},
        front=points,
        front_labels=labels,
        given=_chosen(session, decided),
        deviations=tuple(Deviation(**found) for found in payload.get("deviations", ())),
    )


def plans(session: Session) -> tuple[str, ...]:
    """Names that may be given: those of the library, and the options of the newest decision. Raises StoreError before `prepare`."""
    decided = last_decision(session)
    more = [option["name"] for option in decided.payload["options"]] if decided else []
    return tuple(dict.fromkeys((*session.system.plans(require_library(session)), *more)))


def _spread(session: Session, name: str, row: list[float]) -> Spread:
    known = session.twin.model.readouts
    return Spread(known[name].unit if name in known else "", *row)


def _front(payload: Mapping[str, Any], limits: tuple[Limit, ...], unit: str) -> tuple[tuple[Front, ...], tuple[str, str]]:
    """Expected utility across, and the median of what the first limit is about upward; its spread where there are no limits."""
    about = limits[0].readout if limits else ""
    values = payload["readouts"]
    if about and all(about in of for of in values.values()):
        points = (Front(o["name"], o["utility"], values[o["name"]][about][0]) for o in payload["options"])
        return tuple(points), (f"utility / {unit}", f"{about}, median")
    return tuple(Front(o["name"], o["utility"], o["utility_sd"]) for o in payload["options"]), (f"utility / {unit}", "its spread")


def _chosen(session: Session, decided: Event) -> Chosen | None:
    given = given_on(session, decided)
    if not given:
        return None
    last = given[-1]
    return Chosen(last.payload["plan"], last.actor, last.payload.get("note", ""), iso(last.valid_s))
