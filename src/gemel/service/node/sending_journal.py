"""Which files a destination has acknowledged, a line each, so that a sending that was cut off goes on where it was."""

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from gemel.service.node.sending_store import Item, Sent
from gemel.store import files


def left_of(journal: Path | None, to: str, items: Sequence[Item]) -> list[Item]:
    """The files that the journal does not name for this destination; a line that was cut short names nothing."""
    known: set[str] = set()
    if journal is not None:
        with suppress(FileNotFoundError):
            known = {line for line in journal.read_text(encoding="utf-8").splitlines(keepends=True) if line.endswith("\n")}
    return [item for item in items if f"{to}\t{item.sop_instance_uid}\n" not in known]


def noting(journal: Path | None, to: str) -> Callable[[Sent], None]:
    """What is told of each end: those that were stored go into the journal, flushed at once."""

    def note(sent: Sent) -> None:
        if journal is not None and sent.stored:
            with files.refusing(journal), journal.open("a", encoding="utf-8") as file:
                file.write(f"{to}\t{sent.item.sop_instance_uid}\n")
                file.flush()
                os.fsync(file.fileno())

    return note
