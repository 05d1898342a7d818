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
from gemel.flow.standing import REPLACES
from gemel.store import Event, Store

ENOUGH = 100.0
"""Evidence against uniform ranks from which on a model may not decide: an honest one ever reaches it with probability below 1 %."""
By = Literal["model", "patient", "scanner"]
NAMED: dict[By, str] = {"model": "model", "patient": "twin", "scanner": "scanner"}


@dataclass(frozen=True)
class Score:
    """One component of one scan within its frozen forecast. `version` and `scanner` are empty when the record does not know them."""

    model: str
    version: str
    twin: str
    scanner: str
    component: str
    t_s: float
    rank: float
    crps: float
    alarm: bool


@dataclass(frozen=True)
class LedgerRow:
    """Scores of one component: of all twins of a model's version, of one twin, or of one scanner (`of`). 90 % coverage: Wilson's interval.

    `p`: of the simultaneous band test of uniform ranks; `crps`: mean, in the unit of the component.
    """

    model: str
    version: str
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
    """Evidence against uniform ranks of a model's version: mean over components of `evidence_against`, valid however often one looks."""

    model: str
    version: str
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


def ledger(store: Store, *, only: str | None = None) -> Ledger:
    """Folds over all twins of the record, or those of one model; other events than forecasts, scans and beliefs are not read.

    A scan counts when its forecast was frozen before it and neither is tainted by a retraction.
    """
    tainted = store.tainted()
    scores: list[Score] = []
    left_out: list[tuple[str, int, str]] = []
    for first in store.firsts():
        twin, model = first.twin, str(first.payload.get("system", ""))
        if not model or only not in (None, model):
            continue
        events = store.of_kind("Forecast", "Observed", "Assimilated", twin=twin)
        known = {event.hash: event for event in events}
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
    if REPLACES in ahead.payload:
        return "forecast made again after a retraction"
    if ahead.version > seen.version or ahead.known_s > seen.known_s:
        return "forecast not frozen before the scan"
    return "retracted" if tainted & {event.hash, ahead.hash, seen.hash} else ""


def _seen(event: Event, known: dict[str, Event]) -> Event | None:
    return next((known[h] for h in event.inputs if h in known and known[h].kind == "Observed"), None)


def _scores(model: str, event: Event, known: dict[str, Event]) -> Iterator[Score]:
    seen = _seen(event, known)
    scanner = str(seen.payload.get("scanner", "")) if seen else ""
    version = str(known[event.payload["forecast"]].payload.get("version", ""))
    for kind, ranks in event.payload["ranks"].items():
        alarm, crps = kind in event.payload["alarms"], np.ravel(event.payload["crps"][kind])
        flat = np.ravel(ranks)
        for i, rank in enumerate(flat):
            name = kind if len(flat) == 1 else f"{kind}[{i}]"
            yield Score(model, version, event.twin, scanner, name, event.valid_s, float(rank), float(crps[i]), alarm)


def rows(held: Ledger, by: By = "model") -> tuple[LedgerRow, ...]:
    """One row a component of each model's version, for all, for each patient, or for each scanner that the record knows."""
    named = attrgetter(NAMED[by])

    def key(score: Score) -> tuple[str, str, str, str]:
        return score.model, score.version, named(score), score.component

    chosen = sorted((s for s in held.scores if named(s)), key=key)
    return tuple(_row(found, tuple(group)) for found, group in groupby(chosen, key=key))


def _row(key: tuple[str, str, str, str], scores: Sequence[Score]) -> LedgerRow:
    ranks = np.array([s.rank for s in scores])
    held = coverage(np.full(len(ranks), 0.05), np.full(len(ranks), 0.95), ranks)
    return LedgerRow(
        *key,
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
    """The standing of each version of each model. Scores of an unknown version count for every version."""
    models = sorted({(s.model, s.version) for s in held.scores})
    known = {model for model, version in models if version}
    return tuple(
        _trust(model, version, [s for s in held.scores if s.model == model and s.version in ("", version)])
        for model, version in models
        if version or model not in known
    )


def _trust(model: str, version: str, scores: Sequence[Score]) -> Trust:
    names = sorted({s.component for s in scores})
    columns = [np.array([s.rank for s in scores if s.component == name]) for name in names]
    return Trust(model, version, max(map(len, columns)), float(np.mean([evidence_against(column) for column in columns])))


def require_trusted(store: Store, model: str, override: str = "", version: str = "") -> str:
    """What a decision must say of its model's standing: nothing, or that a person overrode the evidence, and why.

    Raises ConformanceError when the ranks of the model's forecasts in this record are not uniform and nobody gives a reason to go on.
    `version`: the one that decides; the worst of all counts if empty.
    """
    standings = [t for t in trust(ledger(store, only=model)) if t.version in ("", version) or not version]
    standing = max(standings, key=lambda t: t.evidence, default=None)
    if standing is None or standing.trusted:
        return ""
    if not override.strip():
        found = (
            f"forecasts whose ranks are not uniform (evidence {standing.evidence:.3g} over {standing.scans} scans, {ENOUGH:g} is enough)"
        )
        remedy = "look at: gemel ledger; a person may decide all the same with --override REASON, which is recorded"
        raise ConformanceError(found, where=f"{model} {standing.version}".strip(), remedy=remedy)
    return f"decided although the ranks of {model} are not uniform (evidence {standing.evidence:.3g}): {override.strip()}"
