"""The report on paper as a DICOM object."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from gemel.flow.report_parts import NOTICE, ledger_table
from gemel.flow.report_pdf import write_pdf
from gemel.flow.results_ground import Ground
from gemel.flow.session import Session, last_decision
from gemel.flow.show import Overview
from gemel.io.encapsulated_pdf import write_pdf_object

SOURCES = 512
"""Images that the object names as its sources, the first ones."""


def wrapped(path: Path, session: Session, overview: Overview, sections: Sequence[Mapping[str, Any]], base: Ground) -> str:
    """Draws sections with the decision, the ledger, the card and the notice on every page; returns the object's UID."""
    decided, card = last_decision(session), session.twin.model.card
    model = session.twin.model
    advice = f"Recommendation: {decided.payload['recommended']} — {decided.payload['reason']}" if decided else "No decision yet."
    about = f"model {model.name} {model.version}, version {overview.version} of this twin, anatomy of {overview.at}"
    tail = {
        "Ledger of forecasts": [": ".join(filter(None, (row["at"], row["ranks"], row["alarms"]))) for row in ledger_table(session)],
        "Notes": list(overview.notes),
        "Model card": [f"Context of use. {card.context_of_use}", f"Validity. {card.validity}", f"Evidence. {card.evidence}"],
        "Provenance": [f"last entry of this twin {session.history[-1].hash}"],
    }
    with TemporaryDirectory(prefix="gemel-") as folder:
        paper = Path(folder) / "report.pdf"
        write_pdf(paper, title(overview), lead=[NOTICE, card.question, about, advice], sections=sections, tail=tail)
        return write_pdf_object(path, paper.read_bytes(), base.identity, title=title(overview), at=base.at, sources=sources(base))


def title(overview: Overview) -> str:
    """The twin and its badge."""
    return f"{overview.id} ({overview.badge})"[:64]


def sources(base: Ground) -> tuple[tuple[str, str], ...]:
    """The images of the newest scan."""
    return tuple((row[0], row[1]) for row in base.images[:SOURCES])
