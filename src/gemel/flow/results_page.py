"""Results of a system that says itself what it shows: its objects for other systems, and its page on paper."""

from pathlib import Path

from gemel.core.system import silent
from gemel.core.time import iso
from gemel.flow.report_page import report_page
from gemel.flow.results_ground import Ground
from gemel.flow.results_paper import sources, title
from gemel.flow.session import Session
from gemel.flow.show import Overview
from gemel.io.encapsulated_pdf import write_pdf_object

PAPER = "report.pdf"


def write_page(session: Session, overview: Overview, folder: Path, base: Ground) -> None:
    """SEG, maps, dose and dose reports where the page has them, and the PDF; the report speaks of when its last entry became known."""
    report_page(session, overview, folder, made=iso(session.history[-1].known_s), progress=silent, pdf=True)
    paper = folder / PAPER
    write_pdf_object(folder / "PDF.dcm", paper.read_bytes(), base.identity, title=title(overview), at=base.at, sources=sources(base))
    paper.unlink()
