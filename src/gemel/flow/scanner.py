"""`gemel scanner`: a scanner's own twin, begun from its baseline days, told of each day's check, and asked how it stands."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gemel import io
from gemel.core.errors import InputError
from gemel.core.system import Progress, silent
from gemel.core.time import DAY_S, iso
from gemel.core.twin import given
from gemel.devices.ct.twin.report import cause_words, lead_words
from gemel.devices.ct.twin.system import SYSTEM
from gemel.devices.ct.twin.watching import Status, status
from gemel.flow.new import new
from gemel.flow.observe import observe, rng_of
from gemel.flow.session import Session, day_of, open_session
from gemel.store import Event, Store

__all__ = ["Standing", "begin_scanner", "cause_words", "check_scanner", "lead_words", "require_scanner", "scanner_status"]

STREAM = 8


@dataclass(frozen=True)
class Standing:
    """A scanner's twin opened, what its charts say (None before the first check since it was last set right), notes of its newest check."""

    session: Session
    status: Status | None
    notes: tuple[str, ...] = ()


def begin_scanner(
    store: Store, folder: Path, *, options: Mapping[str, Any] | None = None, actor: str = "", progress: Progress = silent
) -> str:
    """Id of the twin of the baseline in a folder: one folder inside a day. Nothing is written when a day is refused."""
    days = tuple(sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")))
    if not days:
        raise InputError("no folder of a day", where=str(folder), remedy="lay each baseline day in a folder of its own")
    return new(store, SYSTEM.name, days, actor=actor, options=options, progress=progress)


def check_scanner(store: Store, twin_id: str, folder: Path, *, actor: str = "", progress: Progress = silent) -> tuple[Event, Standing]:
    """One day's check, assimilated, and how the scanner then stands. Raises InputError for a twin of no scanner, or a check of tomorrow."""
    require_scanner(open_session(store, twin_id))
    found = io.read_quality(folder)
    if found.day.acquired_s > store.clock() + DAY_S:
        raise InputError(f"a check in the future, {iso(found.day.acquired_s)}", where=str(folder), remedy="set the scanner's clock right")
    event = observe(store, twin_id, folder, kind="qc", actor=actor, progress=progress)
    return event, scanner_status(store, twin_id)


def scanner_status(store: Store, twin_id: str) -> Standing:
    """How the scanner stands."""
    session = require_scanner(open_session(store, twin_id))
    days = [day_of(session, entry) for entry in session.entries if entry.kind == "Observed"]
    newest = days[-1].notes if days else ()
    return Standing(session, status(session.case, days, given(session.twin), rng_of(session, STREAM)), newest)


def require_scanner(session: Session) -> Session:
    """The session, where it is a scanner's."""
    if session.system.name != SYSTEM.name:
        raise InputError(f"a twin of {session.system.name}", where=session.id, remedy="name a scanner's twin: gemel scanner new FOLDER")
    return session
