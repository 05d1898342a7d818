"""At start: what the segments hold and the index does not know is read back, and what was being written is cut off."""

import time
from pathlib import Path

from gemel.service.archive import frame, index, segments
from gemel.service.archive.entry import Entry


def recover(folder: Path, opened: index.Index) -> int:
    """Brings the index up to the segments; returns the number of the last segment. Objects that were acknowledged are all found again.

    Only what lies behind the indexed part is read: about what came in the last moments.
    """
    finish_erasing(folder, opened)
    known = {row["number"]: row["indexed"] for row in index.select(opened, "SELECT number, indexed FROM segment")}
    there = segments.numbers(folder)
    for number in there:
        _recover(folder, number, opened, known.get(number, 0))
    _tell_of_lost(opened, sorted(set(known) - set(there)))
    return max([0, *there, *(int(number) for number in known)])


def _recover(folder: Path, number: int, opened: index.Index, start: int) -> None:
    file = segments.path(folder, number)
    end, holes = start, []
    if file.stat().st_size <= start:
        return
    with segments.mapped(file) as content:
        for found in frame.walk(content, number, start + -start % 8):
            if isinstance(found, Entry):
                index.add(opened, [found])
                end = found.place.end
            else:
                holes.append(found)
    _tell(opened, number, [hole for hole in holes if hole < end])
    segments.cut(file, end)


def _tell(opened: index.Index, number: int, holes: list[int]) -> None:
    """A stretch before whole frames that is no frame was either being written in the last group, or is damage."""
    words = "a stretch that is no whole object: being written when the service stopped, or damaged"
    for hole in holes:
        _damage(opened, number, hole, words)


def _tell_of_lost(opened: index.Index, lost: list[int]) -> None:
    told = {row["segment"] for row in index.select(opened, "SELECT segment FROM damage WHERE offset = -1")}
    for number in set(lost) - told:
        _damage(opened, number, -1, "a segment is gone: restore its file from a backup")


def _damage(opened: index.Index, number: int, offset: int, words: str) -> None:
    with opened.turn:
        opened.writer.execute(
            "INSERT INTO damage (found_s, segment, offset, words) VALUES (?, ?, ?, ?)", (time.time(), number, offset, words)
        )


def finish_erasing(folder: Path, opened: index.Index) -> None:
    """Ends what `erasing.erase` had begun: copies get their names, what they replace is deleted."""
    for row in index.select(opened, "SELECT number FROM segment WHERE state = 'copied'"):
        segments.name_copy(folder, row["number"])
    for row in index.select(opened, "SELECT number FROM segment WHERE state = 'doomed'"):
        segments.path(folder, row["number"]).unlink(missing_ok=True)
    with opened.turn, index.changing(opened.writer):
        opened.writer.execute("DELETE FROM segment WHERE state = 'doomed'")
        opened.writer.execute("UPDATE segment SET state = 'whole'")
    for copy in folder.glob(f"{segments.COPY}*"):
        copy.unlink()
