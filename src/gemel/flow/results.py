"""A twin's results as DICOM, for any archive: segmentation, structures, dose, registrations, maps, numbers and the report."""

from pathlib import Path

from gemel.flow.report_parts import NOTICE
from gemel.flow.results_ground import Ground, ground
from gemel.flow.results_numbers import groups
from gemel.flow.session import Session, last_decision, open_session
from gemel.flow.show import Overview, show
from gemel.io.measurement_report import Grounds, write_measurements
from gemel.store import Store

NUMBERS = "SR.dcm"


def results(store: Store, twin_id: str, folder: Path, made_s: float) -> list[Path]:
    """Writes the DICOM set of a twin as it was known at `made_s` into a folder and returns its files.

    Always SR (numbers with 90 % intervals); SEG, RTSTRUCT, RTDOSE, maps and the report once there is something to show; REG where a scan
    was registered. Nothing of it is approved or verified. What is known decides all bytes and UIDs: a later call finds the same files
    until the record grows. Raises StoreError for a twin whose person was erased, InputError for one that was not known by then.
    """
    session = open_session(store, twin_id, known_at_s=made_s)
    overview = show(store, twin_id, known_at_s=made_s)
    folder.mkdir(parents=True, exist_ok=True)
    base = ground(session)
    _shown(session, overview, folder, base)
    _numbers(session, overview, folder, base)
    return sorted(path for path in folder.rglob("*.dcm"))


def _numbers(session: Session, overview: Overview, folder: Path, base: Ground) -> None:
    remarks = (f"{overview.id}, version {overview.version}, badge: {overview.badge}", NOTICE, *overview.notes)
    write_measurements(folder / NUMBERS, groups(session, overview), base.identity, Grounds(base.at, base.images, remarks))


def _shown(session: Session, overview: Overview, folder: Path, base: Ground) -> None:
    """What the system can show: a day with its decision, or its page; nothing before either."""
    from gemel.flow.results_day import write_day  # these load Matplotlib: a second that only those wait who draw
    from gemel.flow.results_page import write_page

    if session.system.pages is None:
        if last_decision(session) is not None:
            write_day(session, overview, folder, base)
    else:
        write_page(session, overview, folder, base)
