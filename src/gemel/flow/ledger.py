"""`gemel ledger`: how the forecasts of all twins of a record stood up, and whether a model may still decide."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Literal

import numpy as np

from gemel.core.errors import ConformanceError
from gemel.engines.inference.calibration import coverage
from gemel.engines.inference.uniformity import band_p, evidence_against
from gemel.store import Event, Store

ENOUGH = 100.0
"""Evidence against uniform ranks from which on a model may not decide: an honest one ever reaches it with probability below 1 %."""
By = Literal["model", "patient", "scanner"]
NAMED: dict[By, str] = {"model": "model", "patient": "twin", "scanner": "scanner"}


@dataclass(frozen=True)
class Score:
    """One component of one scan within its frozen forecast. `scanner` is empty when the record does not know it."""

    model: str
    twin: str
    scanner: str
    component: str
    t_s: float
    rank: float
    crps: float
    alarm: bool


@dataclass(frozen=True)
class LedgerRow:
    """Scores of one component: of all twins of a model, of one twin, or of one scanner (`of`). 90 % coverage with Wilson's interval.

    `p`: of the simultaneous band test of uniform ranks; `crps`: mean, in the unit of the component.
    """

    model: str
    of: str
    component: str
    scans: int
    twins: int
    covered: float
    covered_low: float
    covered_high: float
    crps: float
    alarms: int
    p: float


@dataclass(frozen=True)
class Trust:
    """Evidence against uniform ranks of a model: mean over its components of `evidence_against`, valid however often one looks."""

    model: str
    scans: int
    evidence: float

    @property
    def trusted(self) -> bool:
        """Whether the model may decide."""
        return self.evidence < ENOUGH


@dataclass(frozen=True)
class Ledger:
    """All scores, in the order of the record; `left_out`: twin, version and why a scan does not count."""

    scores: tuple[Score, ...]
    left_out: tuple[tuple[str, int, str], ...]


def ledger(store: Store) -> Ledger:
    """Folds over all twins of the record. A scan counts when its forecast was frozen before it and neither is tainted by a retraction."""
    tainted = store.tainted()
    scores: list[Score] = []
    left_out: list[tuple[str, int, str]] = []
    for twin in store.twins():
        events = store.events(twin)
        known = {event.hash: event for event in events}
        model = next((str(e.payload["system"]) for e in events if e.kind == "Ingested"), "")
        for event in events:
            if event.kind != "Assimilated":
                continue
            fault = _fault(event, known, tainted)
            if fault:
                left_out.append((twin, event.version, fault))
            else:
                scores += _scores(model, event, known)
    return Ledger(tuple(scores), tuple(left_out))


def _fault(event: Event, known: dict[str, Event], tainted: frozenset[str]) -> str:
    """Why the scan does not count; empty when it does."""
    ahead, seen = known.get(event.payload["forecast"]), _seen(event, known)
    if ahead is None or seen is None:
        return "without forecast or scan"
    if ahead.version > seen.version or ahead.known_s > seen.known_s:
        return "forecast not frozen before the scan"
    return "retracted" if tainted & {event.hash, ahead.hash, seen.hash} else ""


def _seen(event: Event, known: dict[str, Event]) -> Event | None:
    return next((known[h] for h in event.inputs if h in known and known[h].kind == "Observed"), None)


def _scores(model: str, event: Event, known: dict[str, Event]) -> Iterator[Score]:
    seen = _seen(event, known)
    scanner = str(seen.payload.get("scanner", "")) if seen else ""
    for kind, ranks in event.payload["ranks"].items():
        alarm, crps = kind in event.payload["alarms"], np.ravel(event.payload["crps"][kind])
        flat = np.ravel(ranks)
        for i, rank in enumerate(flat):
            name = kind if len(flat) == 1 else f"{kind}[{i}]"
            yield Score(model, event.twin, scanner, name, event.valid_s, float(rank), float(crps[i]), alarm)


def rows(held: Ledger, by: By = "model") -> tuple[LedgerRow, ...]:
    """One row a component of each model, of each patient, or of each scanner that the record knows."""
    named = attrgetter(NAMED[by])
    chosen = sorted((s for s in held.scores if named(s)), key=lambda s: (s.model, named(s), s.component))
    return tuple(_row(*key, tuple(group)) for key, group in groupby(chosen, key=lambda s: (s.model, named(s), s.component)))


def _row(model: str, of: str, component: str, scores: Sequence[Score]) -> LedgerRow:
    ranks = np.array([s.rank for s in scores])
    held = coverage(np.full(len(ranks), 0.05), np.full(len(ranks), 0.95), ranks)
    return LedgerRow(
        model,
        of,
        component,
        len(ranks),
        len({s.twin for s in scores}),
        held.fraction,
        held.low,
        held.high,
        float(np.mean([s.crps for s in scores])),
        sum(s.alarm for s in scores),
        band_p(ranks),
    )


def trust(held: Ledger) -> tuple[Trust, ...]:
    """The standing of each model."""
    models = sorted({s.model for s in held.scores})
    return tuple(_trust(model, [s for s in held.scores if s.model == model]) for model in models)


def _trust(model: str, scores: Sequence[Score]) -> Trust:
    names = sorted({s.component for s in scores})
    columns = [np.array([s.rank for s in scores if s.component == name]) for name in names]
    return Trust(model, max(map(len, columns)), float(np.mean([evidence_against(column) for column in columns])))


def require_trusted(store: Store, model: str, override: str = "") -> str:
    """What a decision must say of its model's standing: nothing, or that a person overrode the evidence, and why.

    Raises ConformanceError when the ranks of the model's forecasts in this record are not uniform and nobody gives a reason to go on.
    """
    standing = next((t for t in trust(ledger(store)) if t.model == model), None)
    if standing is None or standing.trusted:
        return ""
    if not override.strip():
        found = (
            f"forecasts whose ranks are not uniform (evidence {standing.evidence:.3g} over {standing.scans} scans, {ENOUGH:g} is enough)"
        )
        remedy = "look at: gemel ledger; a person may decide all the same with --override REASON, which is recorded"
        raise ConformanceError(found, where=model, remedy=remedy)
    return f"decided although the ranks of {model} are not uniform (evidence {standing.evidence:.3g}): {override.strip()}"
