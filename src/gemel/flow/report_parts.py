"""What every report has: its notice, the ledger of forecasts, and the rendering of a template with the model's card and the provenance."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, select_autoescape

from gemel.core.time import iso
from gemel.flow.models import standing
from gemel.flow.session import Session
from gemel.flow.show import Overview
from gemel.store import Event

NOTICE = "Research software. Not a medical device; not CE-marked or FDA-cleared; must not be the sole basis of a clinical decision."


def rendered(template: str, session: Session, overview: Overview, values: Mapping[str, Any], *, made: str, source: Event) -> str:
    """The page of a template, HTML escaped; `source`: the event whose inputs and environment are named at its end."""
    environment = Environment(loader=PackageLoader("gemel.flow", ""), autoescape=select_autoescape(default=True, default_for_string=True))
    first = session.entries[0]
    return environment.get_template(template).render(
        notice=NOTICE,
        overview=overview,
        card=session.twin.model.card,
        standing=standing(str(first.payload["system"]), session.system),
        model=session.twin.model,
        made=made,
        ledger=ledger_table(session),
        head=session.store.head(),
        versions=session.store.artefacts.get(source.environment).decode(),
        **values,
    )


def acted_on(session: Session, decided: Event) -> Event | None:
    """What a person gave after a decision."""
    acted = [e for e in session.entries if e.kind == "Acted" and e.valid_s == decided.valid_s]
    return acted[-1] if acted else None


def ledger_rows(session: Session) -> tuple[tuple[float, dict[str, np.ndarray]], ...]:
    """Per scan, in time order: when, and kind → (low, high, value, sd), each (components,)."""
    known = {e.hash: e for e in session.entries}
    rows = []
    for belief in sorted((e for e in session.entries if e.kind == "Assimilated"), key=lambda e: e.valid_s):
        seen = next(known[name] for name in belief.inputs if name in known and known[name].kind == "Observed")
        ahead = known[belief.payload["forecast"]].payload["interval_90"]
        row = {o["kind"]: np.array([*ahead[o["kind"]], o["value"], o["sd"]]) for o in seen.payload["observations"]}
        rows.append((belief.valid_s, row))
    return tuple(rows)


def ledger_table(session: Session) -> list[dict[str, str]]:
    """Per scan: when, the rank of what came within what was forecast, and alarms."""
    done = sorted((e for e in session.entries if e.kind == "Assimilated"), key=lambda e: e.valid_s)
    return [
        {
            "at": iso(e.valid_s),
            "ranks": "; ".join(f"{kind} {' '.join(f'{rank:.2f}' for rank in ranks)}" for kind, ranks in e.payload["ranks"].items()),
            "alarms": ", ".join(e.payload["alarms"]),
        }
        for e in done
    ]
