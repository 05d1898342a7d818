"""How forecasts stood up, and what models, cohorts and scanners there are."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from gemel.core.errors import UnknownError
from gemel.core.time import iso
from gemel.flow import registry
from gemel.flow.cohort.kept_trial import charts_of, trial_of
from gemel.flow.conformance import kept
from gemel.flow.conformance.results import as_json
from gemel.flow.ledger import By, Score, rows, trust
from gemel.flow.ledger import ledger as folded
from gemel.flow.models import models as installed
from gemel.flow.report_parts import ledger_rows
from gemel.flow.scanner import lead_words, scanner_status
from gemel.flow.session import Session
from gemel.service.api.answers.evidence import (
    ArmReadout,
    ArmRow,
    Cause,
    Difference,
    LedgerAnswer,
    LedgerLine,
    LeftOut,
    ModelAnswer,
    ModelLine,
    Models,
    ScannedComponent,
    ScannedRow,
    ScannerRow,
    TrustRow,
    TwinLedger,
)
from gemel.service.api.views.asked import Told, encoded, session_of
from gemel.service.api.views.pictures import chart_row
from gemel.service.jobs import Bench
from gemel.store import standing

TEXTS = {
    "Question of interest": "question",
    "Context of use": "context_of_use",
    "Model influence": "influence",
    "Decision consequence": "consequence",
    "Validity": "validity",
    "Evidence": "evidence",
}


def ledger(at: Bench, told: Told) -> bytes:
    """The ledger of the record, by model, patient or scanner, of one model or of all."""
    held, by = folded(at.store, only=told.get("model") or None), _by(told)
    lines = [LedgerLine(**asdict(row)) for row in rows(held, by)]
    trusted = [TrustRow(t.model, t.version, t.scans, t.evidence, t.trusted) for t in trust(held)]
    return encoded(LedgerAnswer(lines, trusted, [LeftOut(*row) for row in held.left_out], _ranks(held.scores)))


def _by(told: Told) -> By:
    by: By = told["by"]
    return by


def _ranks(scores: Sequence[Score]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for score in scores:
        name = " ".join(filter(None, (score.model, score.version, score.component)))
        found.setdefault(name, []).append(round(score.rank, 4))
    return found


def twin_ledger(at: Bench, told: Told) -> bytes:
    """Each scan of a twin within the forecast that was frozen before it."""
    session = session_of(at, told)
    beliefs = {e.valid_s: e for e in session.entries if e.kind == "Assimilated"}
    return encoded(TwinLedger([ScannedRow(iso(t_s), _components(session, beliefs[t_s], row)) for t_s, row in ledger_rows(session)]))


def _components(session: Session, belief: Any, row: dict[str, Any]) -> list[ScannedComponent]:
    found = []
    ahead = next(e for e in session.history if e.hash == belief.payload["forecast"])
    draws = session.store.artefacts.get_arrays(ahead.payload["forecast"])
    for kind, (low, high, value, sd) in row.items():
        middle = np.median(draws[kind].reshape(len(draws[kind]), -1), axis=0)
        ranks, alarm = np.ravel(belief.payload["ranks"][kind]), kind in belief.payload["alarms"]
        for i in range(len(value)):
            name = kind if len(value) == 1 else f"{kind}[{'xyz'[i] if len(value) == 3 else i}]"
            interval = float(low[i]), float(middle[i]), float(high[i])
            found.append(ScannedComponent(name, *interval, float(value[i]), float(sd[i]), float(ranks[i]), alarm))
    return found


def models(at: Bench, told: Told) -> bytes:
    """Every installed model."""
    return encoded(Models([ModelLine(r.system, r.model, r.version, r.question, r.evidence, r.conformance) for r in installed()]))


def model(at: Bench, told: Told) -> bytes:
    """One model's card and its last examination. Raises UnknownError for one that is not installed."""
    name = str(told["name"])
    if name not in registry.systems():
        raise UnknownError(f"no model {name!r}", where="models", remedy=f"installed are {', '.join(registry.systems())}")
    system = registry.system(name)
    made, found = system.template(), kept(name, system)
    body = [f"## {title}\n\n{getattr(made.card, attribute)}" for title, attribute in TEXTS.items()]
    card = "\n\n".join([f"# {made.name} {made.version}", *body])
    held = json.loads(as_json(found)) if found else None
    references = list(made.card.references)
    return encoded(ModelAnswer(name, made.name, made.version, card, references, list(system.planning), list(system.scans), held))


def cohort(at: Bench, told: Told) -> dict[str, Any]:
    """Arms, differences and charts of a cohort whose tasks are all done and are a trial's; nothing of another."""
    queue = str(told["name"])
    failures = [cause for _, cause in standing.failures(at.store.rows, queue)][:20]
    trial = trial_of(at.store, queue)
    if trial is None:
        return {"system": "", "failures": failures, "arms": [], "differences": [], "charts": []}
    names = [arm.name for arm in trial.arms]
    pairs = [pair for pair in trial.pairs() if pair.a in names]
    return {
        "system": trial.system,
        "failures": failures,
        "arms": [ArmRow(name, trial.patients, dict(trial.plans_of(name)), _readouts(trial, name)) for name in names],
        "differences": [Difference(p.a, p.b, p.readout, p.unit, p.difference, p.low, p.high) for p in pairs],
        "charts": [chart_row(chart) for chart in charts_of(trial)],
    }


def _readouts(trial: Any, arm: str) -> dict[str, ArmReadout]:
    made = {}
    for readout in trial.units:
        held = trial.summary(arm, readout)
        made[readout] = ArmReadout(held.unit, held.mean, held.low, held.high, held.median, held.p05, held.p95)
    return made


def scanner(at: Bench, told: Told) -> ScannerRow:
    """How one scanner stands."""
    held = scanner_status(at.store, str(told["twin"]))
    session, now = held.session, held.status
    checks = [e.valid_s for e in session.entries if e.kind == "Observed"]
    title = f"{session.case.scanner or 'unnamed scanner'}"
    last = iso(max(checks)) if checks else ""
    if now is None:
        return ScannerRow(session.id, title, "unknown", 0, None, None, "", [], last)
    lead = now.lead_d[1] if np.isfinite(now.lead_d[1]) else None
    causes = [Cause(name, float(p)) for name, p in sorted(now.causes.items(), key=lambda one: -one[1])]
    alarms, state = int(now.watch.alarm.sum()), "alarm" if now.alarmed else "ok"
    return ScannerRow(session.id, title, state, alarms, now.p_fault, lead, lead_words(now), causes, last)
