"""What leaves or is fetched, in the audit log: which patients' objects, how many of which kind, to whom, and how it ended."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from getpass import getuser
from pathlib import Path
from typing import Any

from gemel.service.node.rules import Destination
from gemel.service.node.sending_outbox import Outgoing
from gemel.service.security.audit import Audit, Entry, open_audit
from gemel.service.security.secret import key_of
from gemel.service.security.subjects import subject_of_person, subject_of_row, subject_of_twin
from gemel.store import Store

USER, SEND, PULL = "node", "dicom:send", "dicom:pull"


@dataclass(frozen=True)
class Auditing:
    """Where rows go, and what tells whose objects are: the key of the pseudonyms, the record, the archive."""

    audit: Audit
    key: bytes
    store: Store
    archive: Any

    def __call__(self, to: Destination, objects: Sequence[Outgoing], outcome: str) -> None:
        """As `sending.Note`. Raises StoreError when the row cannot be written."""
        subjects = tuple(sorted({found for found in map(self._subject, objects) if found}))
        kinds = Counter(one.kind or one.sop_class for one in objects)
        detail = ", ".join(f"{n} {kind}" for kind, n in sorted(kinds.items()))
        self.audit.now(Entry(USER, SEND, outcome, subjects, place=place_of(to), detail=detail))

    def _subject(self, one: Outgoing) -> str:
        if one.twin:
            return subject_of_twin(self.key, self.store, one.twin) or ""
        rows = self.archive.find("instance", {"SOPInstanceUID": one.uid}, limit=1)
        return subject_of_row(self.key, rows[0]) if rows else ""


def noted_by_hand(folder: Path, action: str, place: str, outcome: str, persons: Iterable[tuple[str, str]]) -> bool:
    """A row of what a person at a terminal sends or pulls (PatientID and issuer of whom), where a service's folder is there.

    False where none is: a machine without a service has no log. Raises StoreError when the row cannot be written.
    """
    if not (folder / "audit.db").is_file():
        return False
    key, audit = key_of(folder / "subject.key"), open_audit(folder)
    try:
        subjects = tuple(sorted({subject_of_person(key, *person) for person in persons if person[0].strip()}))
        audit.now(Entry(f"terminal:{getuser()}", action, outcome, subjects, place=place))
    finally:
        audit.close()
    return True


def place_of(to: Destination) -> str:
    """A destination as the log names it."""
    return to.url or f"{to.peer.aet}@{to.peer.host}:{to.peer.port}"
