"""Priors brought here (PS3.4 Annex C): C-MOVE to a node that the peer knows, or C-GET on the same association where it offers that."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydicom.dataset import Dataset
from pynetdicom import evt
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
)

from gemel.core.errors import GemelError, InputError, PeerError
from gemel.core.system import Progress, silent
from gemel.service.node.query import LEVELS
from gemel.service.node.rules import Peer
from gemel.service.node.scu import PENDING, SUCCESS, Ours, associated, context, named, status_of, worded

Keep = Callable[[bytes], object]
CANNOT_KEEP, OUT_OF_RESOURCES = 0xC001, 0xA700
NONE_WENT = 0xA702  # PS3.4 table C.4-2: unable to perform sub-operations; the counts tell which
IMAGES = (
    *("1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.4.1"),
    *("1.2.840.10008.5.1.4.1.1.128", "1.2.840.10008.5.1.4.1.1.130", "1.2.840.10008.5.1.4.1.1.20", "1.2.840.10008.5.1.4.1.1.13.1.1"),
    *("1.2.840.10008.5.1.4.1.1.481.2", "1.2.840.10008.5.1.4.1.1.481.3", "1.2.840.10008.5.1.4.1.1.481.5", "1.2.840.10008.5.1.4.1.1.481.8"),
    *("1.2.840.10008.5.1.4.1.1.66.1", "1.2.840.10008.5.1.4.1.1.66.3", "1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.30"),
    *("1.2.840.10008.5.1.4.1.1.88.22", "1.2.840.10008.5.1.4.1.1.88.33", "1.2.840.10008.5.1.4.1.1.88.34", "1.2.840.10008.5.1.4.1.1.88.67"),
    *("1.2.840.10008.5.1.4.1.1.104.1", "1.2.840.10008.5.1.4.1.1.7", "1.2.840.10008.5.1.4.1.1.1", "1.2.840.10008.5.1.4.1.1.6.1"),
)
"""Objects that a twin may be made of or learn from: CT, MR, PET, NM, X-ray 3-D, RT, registration, SEG, maps, SR, PDF (PS3.6 A)."""
SYNTAXES = ("1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.4.70", "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.5")


@dataclass(frozen=True)
class Pulled:
    """How many objects came, how many did not, and why, as far as the peer or we can say."""

    completed: int
    failed: int
    why: tuple[str, ...] = ()


def pull(uids: Mapping[str, str], peer: Peer, ours: Ours, *, keep: Keep | None = None, progress: Progress = silent) -> Pulled:
    """C-MOVE to ourselves; where the peer refuses that (it does not know our title) and `keep` is given, C-GET. Raises PeerError."""
    try:
        return move(uids, peer, ours, to=ours.aet, progress=progress)
    except PeerError:
        if keep is None:
            raise
        return get(uids, peer, ours, keep=keep, progress=progress)


def move(uids: Mapping[str, str], peer: Peer, ours: Ours, *, to: str, progress: Progress = silent) -> Pulled:
    """The peer is told to send a patient's study, series or object to the title `to`, which it must know. Raises PeerError."""
    model = StudyRootQueryRetrieveInformationModelMove
    with associated(peer, [context(model)], ours) as association:
        return _followed(association.send_c_move(_identifier(uids), to, model), peer, "C-MOVE", progress)


def get(uids: Mapping[str, str], peer: Peer, ours: Ours, *, keep: Keep, progress: Progress = silent) -> Pulled:
    """The peer sends on this association; each object goes to `keep` as Part 10 bytes, refused when that raises. PeerError."""
    model = StudyRootQueryRetrieveInformationModelGet
    refused: list[str] = []

    def store(event: Any) -> int:
        try:
            keep(event.encoded_dataset())
        except GemelError as error:
            refused.append(str(error))
            return CANNOT_KEEP
        except OSError as error:
            refused.append(f"the disk refused: {error.strerror}")
            return OUT_OF_RESOURCES
        return SUCCESS

    mine = replace(ours, handlers=(*ours.handlers, (evt.EVT_C_STORE, store)), roles=IMAGES)
    with associated(peer, [context(model), *(context(uid, *SYNTAXES) for uid in IMAGES)], mine) as association:
        done = _followed(association.send_c_get(_identifier(uids), model), peer, "C-GET", progress)
    return replace(done, why=(*done.why, *refused))


def _identifier(uids: Mapping[str, str]) -> Dataset:
    """Unique keys of the level and of those above it (PS3.4 C.4.2.1.4.1)."""
    keys = {"series": "SeriesInstanceUID", "instance": "SOPInstanceUID"}
    if not uids.get("StudyInstanceUID"):
        raise InputError("no StudyInstanceUID", where="pull", remedy="find the study first, then name it, and its series where wanted")
    asked = Dataset()
    asked.QueryRetrieveLevel = next((LEVELS[level] for level, key in reversed(keys.items()) if uids.get(key)), "STUDY")
    for keyword in ("StudyInstanceUID", *keys.values()):
        if uids.get(keyword):
            setattr(asked, keyword, uids[keyword])
    return asked


def _followed(answers: Any, peer: Peer, what: str, progress: Progress) -> Pulled:
    """The last answer's counts; each pending one is progress."""
    for answer, found in answers:
        status = status_of(answer)
        completed, failed = (int(answer.get(f"NumberOf{name}Suboperations") or 0) for name in ("Completed", "Failed"))
        if status in PENDING:
            progress("received", completed, completed + failed + int(answer.get("NumberOfRemainingSuboperations") or 0))
            continue
        if status not in (SUCCESS, 0xB000) and not (status == NONE_WENT and failed):
            raise PeerError(f"{what} answered {worded(answer, status)}", where=named(peer), remedy=REMEDIES.get(status or 0, REMEDY))
        completed += int(answer.get("NumberOfWarningSuboperations") or 0)
        return Pulled(completed, failed, _failed_uids(found))
    raise PeerError(f"{what} answered nothing", where=named(peer), remedy=REMEDY)


REMEDY = "ask its administrator, with that status"
REMEDIES = {0xA801: "register our title, host and port there: it does not know where to send"}


def _failed_uids(found: Dataset | None) -> tuple[str, ...]:
    uids = found.get("FailedSOPInstanceUIDList") if found is not None else None
    listed = [uids] if isinstance(uids, str) else list(uids or ())
    return tuple(f"the peer could not send {uid}" for uid in listed)
