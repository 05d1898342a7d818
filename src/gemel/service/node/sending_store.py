"""C-STORE of files as they are (PS3.4 Annex B): grouped by class and transfer syntax, taken up again when a connection ends."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from pydicom import dcmread
from pydicom.errors import InvalidDicomError
from pydicom.filereader import read_file_meta_info
from pynetdicom.association import Association

from gemel.core.errors import InputError, PeerError
from gemel.core.system import Progress, silent
from gemel.service.node.rules import Peer
from gemel.service.node.scu import MOST_CONTEXTS, Ours, associated, context, named, status_of, worded

AGAIN = 3  # connections that are opened for the same file before it is given up
WARNINGS = range(0xB000, 0xC000)
BUSY = range(0xA700, 0xA800)  # out of resources: later it may do


@dataclass(frozen=True)
class Item:
    """A file to be sent, and what its own header says that it is."""

    path: Path
    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax: str


@dataclass(frozen=True)
class Sent:
    """How one file fared: stored (`why` holds a warning, if any), or not, with the reason; `later`: it may do another time."""

    item: Item
    stored: bool
    why: str = ""
    later: bool = False


def item_of(path: Path) -> Item:
    """The file, from its meta information alone. Raises InputError for one that is no DICOM file."""
    try:
        meta = read_file_meta_info(path)
        return Item(path, str(meta.MediaStorageSOPClassUID), str(meta.MediaStorageSOPInstanceUID), str(meta.TransferSyntaxUID))
    except (InvalidDicomError, AttributeError, EOFError, ValueError, OSError) as error:
        raise InputError("a file that is not DICOM Part 10", where=str(path), remedy="leave it out, or export it again") from error


def persons_of(items: Sequence[Item]) -> set[tuple[str, str]]:
    """PatientID and issuer that the files state; of a file that cannot be read, nobody."""
    found = set()
    for item in items:
        with suppress(InvalidDicomError, OSError, ValueError, EOFError):
            said = dcmread(item.path, stop_before_pixels=True, specific_tags=["PatientID", "IssuerOfPatientID"])
            found.add((str(said.get("PatientID") or ""), str(said.get("IssuerOfPatientID") or "")))
    return found


def store(
    items: Sequence[Item],
    peer: Peer,
    ours: Ours | None = None,
    *,
    progress: Progress = silent,
    told: Callable[[Sent], None] = lambda sent: None,
) -> tuple[Sent, ...]:
    """How each file fared, in order. Each end is `told` as soon as it is known. Raises PeerError when the peer cannot be reached at all."""
    ends: dict[int, Sent] = {}
    for group in _groups(items):
        waiting, tries = group, 0
        while waiting and tries < AGAIN:
            tries += 1
            before = len(ends)
            try:
                for number, end in _on_one(items, waiting, peer, ours):
                    ends[number] = end
                    told(end)
                    progress("sent", len(ends), len(items))
            except PeerError:
                if not ends and tries == AGAIN:
                    raise
            tries = 0 if len(ends) > before else tries
            waiting = [number for number in waiting if number not in ends]
        for number in waiting:
            ends[number] = Sent(items[number], False, f"the connection with {named(peer)} ended {AGAIN} times", later=True)
            told(ends[number])
    return tuple(ends[number] for number in range(len(items)))


def _groups(items: Sequence[Item]) -> Iterator[list[int]]:
    """Numbers of the items, in groups that one association has contexts for."""
    kinds: dict[tuple[str, str], list[int]] = {}
    for number, item in enumerate(items):
        kinds.setdefault((item.sop_class_uid, item.transfer_syntax), []).append(number)
    left = iter(kinds.values())
    while part := list(islice(left, MOST_CONTEXTS)):
        yield sorted(number for numbers in part for number in numbers)


def _on_one(items: Sequence[Item], waiting: Sequence[int], peer: Peer, ours: Ours | None) -> Iterator[tuple[int, Sent]]:
    """The ends of as many as one association lasts for."""
    kinds = sorted({(items[number].sop_class_uid, items[number].transfer_syntax) for number in waiting})
    with associated(peer, [context(*kind) for kind in kinds], ours) as association:
        agreed = {(str(c.abstract_syntax), str(c.transfer_syntax[0])): c for c in association.accepted_contexts}
        for message, number in enumerate(waiting):
            if not association.is_established:
                return
            end = _one(association, items[number], agreed, message % 65535 + 1)
            if end is not None:
                yield number, end


def _one(association: Association, item: Item, agreed: Mapping[tuple[str, str], object], message: int) -> Sent | None:
    """The end of one file; None when the connection ended over it."""
    if (item.sop_class_uid, item.transfer_syntax) not in agreed:
        return Sent(item, False, f"the peer does not take class {item.sop_class_uid} in transfer syntax {item.transfer_syntax}")
    if not item.path.is_file():
        return Sent(item, False, "the file is gone")
    answer = association.send_c_store(item.path, message)
    status = status_of(answer)
    if status is None:
        return None
    stored = status == 0 or status in WARNINGS
    return Sent(item, stored, "" if status == 0 else worded(answer, status), later=status in BUSY)
