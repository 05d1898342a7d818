"""`gemel twin report`: a twin as a page, with what other systems read as DICOM beside it."""

from functools import partial
from pathlib import Path

from gemel.core.errors import InputError
from gemel.core.system import Progress, silent
from gemel.core.time import iso
from gemel.flow.report_parts import NOTICE
from gemel.flow.session import open_session
from gemel.flow.show import show
from gemel.store import Store

__all__ = ["NOTICE", "report"]


def report(store: Store, twin_id: str, folder: Path, *, made_s: float, progress: Progress = silent, pdf: bool = False) -> Path:
    """Path of report.html in `folder`, with DICOM beside it, and report.pdf where it is asked for.

    A system with `pages` shows what there is so far; one without is shown by its newest decision, on the anatomy of the day. Raises
    StoreError where there is nothing to show yet, InputError for a PDF of a system without `pages`.
    """
    from gemel.flow.report_day import report_day  # these load Matplotlib: a second that only those wait who draw
    from gemel.flow.report_page import report_page

    session = open_session(store, twin_id)
    if pdf and session.system.pages is None:
        raise InputError("a PDF of a report of the day", where=session.system.name, remedy="print report.html from a browser")
    write = report_day if session.system.pages is None else partial(report_page, pdf=pdf)
    text = write(session, show(store, twin_id), folder, made=iso(made_s), progress=progress)
    page, temporary = folder / "report.html", folder / ".report.html.part"
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(page)
    progress("report", 3, 3)
    return page
