"""The report of a twin as one page of HTML, with its pictures inside."""

from pathlib import Path
from tempfile import TemporaryDirectory

from gemel.core.errors import StoreError, UnknownError
from gemel.flow.report import report as written
from gemel.service.api.views.asked import Told, session_of
from gemel.service.jobs import Bench
from gemel.service.jobs.running import laid_out_in


def report(at: Bench, told: Told) -> bytes:
    """The page, which speaks of when the twin's last entry became known. Raises UnknownError where there is nothing to show yet."""
    session = session_of(at, told)
    with TemporaryDirectory(dir=laid_out_in(Path(at.folder))) as folder:  # DICOM beside the page names the patient
        try:
            page = written(at.store, session.id, Path(folder), made_s=session.history[-1].known_s)
        except StoreError as error:
            raise UnknownError("no report yet", where=session.id, remedy=error.remedy) from error
        return page.read_bytes()
