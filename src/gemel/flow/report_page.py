"""The report of a system that says itself what it shows: its page drawn, with what other systems read as DICOM."""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gemel.core.page import Chart, Page, Table, Views
from gemel.core.system import Progress
from gemel.flow import figures_page
from gemel.flow.observe import rng_of
from gemel.flow.report_parts import NOTICE, acted_on, ledger_table, rendered
from gemel.flow.session import Session, last_decision, lent, newest
from gemel.flow.show import Overview
from gemel.flow.told import told

STREAM = 6


def report_page(session: Session, overview: Overview, folder: Path, *, made: str, progress: Progress, pdf: bool = False) -> str:
    """The page's text, with what its system hands on in `folder`, and there report.pdf where it is asked for.

    Raises what the system raises where there is nothing to show.
    """
    progress("report", 0, 3)
    make: Any = lent(session, "pages")
    page: Page = make(told(session), rng_of(session, STREAM))
    folder.mkdir(parents=True, exist_ok=True)
    progress("report", 1, 3)
    sections = [_drawn(section) for section in page.sections]
    progress("report", 2, 3)
    written = _written(session, page, folder)
    decided = last_decision(session)
    values = {
        "decision": decided.payload if decided else {},
        "acted": acted_on(session, decided) if decided else None,
        "sections": sections,
        "notes": list(dict.fromkeys((*page.notes, *overview.notes))),
        "files": written,
        "inputs": [h[:16] for e in session.entries if e.kind in ("Ingested", "Observed") for h in e.inputs][-8:],
    }
    if pdf:
        _on_paper(session, overview, folder, values, made)
    source = decided or newest(session.entries, "day") or session.entries[0]
    return rendered("report_page.html.j2", session, overview, values, made=made, source=source)


def _on_paper(session: Session, overview: Overview, folder: Path, values: Mapping[str, Any], made: str) -> None:
    """The same sections as report.pdf."""
    from gemel.flow.report_pdf import write_pdf

    card, decision = session.twin.model.card, values["decision"]
    advice = f"Recommendation: {decision['recommended']} — {decision['reason']}" if decision else "No decision yet."
    model = session.twin.model
    about = f"model {model.name} {model.version}, version {overview.version} of this twin, anatomy of {overview.at}, report made {made}"
    tail = {
        "Ledger of forecasts": [": ".join(filter(None, (row["at"], row["ranks"], row["alarms"]))) for row in ledger_table(session)],
        "Notes": list(values["notes"]),
        "Model card": [f"Context of use. {card.context_of_use}", f"Validity. {card.validity}", f"Evidence. {card.evidence}"],
        "Provenance": [f"last entry of this twin {session.history[-1].hash}", f"inputs: {', '.join(values['inputs'])}"],
    }
    title = f"{overview.id} ({overview.badge})"
    lead = [NOTICE, card.question, about, advice]
    write_pdf(folder / "report.pdf", title, lead=lead, sections=values["sections"], tail=tail)


def _written(session: Session, page: Page, folder: Path) -> tuple[str, ...]:
    """Names of the objects for other systems; what writes them is loaded when there are any, since it is slow to load."""
    if page.objects is None:
        return ()
    from gemel.flow.report_nuclear import write_nuclear

    return write_nuclear(session, page.objects, folder)


def _drawn(section: Chart | Views | Table) -> dict[str, Any]:
    """A section as the template takes it."""
    if isinstance(section, Table):
        return {"title": section.title, "columns": section.columns, "rows": section.rows, "note": section.note}
    image = figures_page.chart(section) if isinstance(section, Chart) else figures_page.views(section)
    return {"title": section.title, "picture": base64.b64encode(image).decode(), "note": section.note}
