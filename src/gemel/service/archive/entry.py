"""What the archive knows of one received object, and what it tells the sender."""

import json
from dataclasses import dataclass, replace
from typing import Literal

Status = Literal["stored", "held", "quarantined"]
LEVELS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")


@dataclass(frozen=True)
class Stored:
    """An object that is kept durably and can be found.

    status: `stored`, new; `held`, the same bytes had come before; `quarantined`, kept and not served. words: why it lies in quarantine.
    """

    sop_instance_uid: str
    series_instance_uid: str
    study_instance_uid: str
    status: Status
    words: str = ""


@dataclass(frozen=True)
class Place:
    """Where an object's bytes lie: the segment's number, the offset of its first byte, of the file's head and of the data set."""

    segment: int
    offset: int
    prefix_bytes: int
    data_bytes: int

    @property
    def end(self) -> int:
        """The byte after the last."""
        return self.offset + self.prefix_bytes + self.data_bytes


@dataclass(frozen=True)
class Entry:
    """One object. tags: DICOM keywords and their values; sha256: of the data set alone: the file's head differs from path to path."""

    tags: dict[str, str]
    source: str
    received_s: float
    sha256: bytes
    status: Status = "stored"
    words: str = ""
    place: Place = Place(0, 0, 0, 0)

    @property
    def uid(self) -> str:
        """SOP Instance UID."""
        return self.tags["SOPInstanceUID"]

    @property
    def series(self) -> str:
        """Series Instance UID."""
        return self.tags["SeriesInstanceUID"]

    @property
    def study(self) -> str:
        """Study Instance UID."""
        return self.tags["StudyInstanceUID"]

    @property
    def person(self) -> tuple[str, str]:
        """Whose it is: PatientID and its issuer."""
        return self.tags.get("PatientID", ""), self.tags.get("IssuerOfPatientID", "")


def answer(entry: Entry) -> Stored:
    """What the sender is told."""
    return Stored(entry.uid, entry.series, entry.study, entry.status, entry.words)


def to_json(entry: Entry) -> bytes:
    """All but the place and the hash, as it lies in a frame: the index can be made again from it."""
    known = {"tags": entry.tags, "source": entry.source, "received_s": entry.received_s, "status": entry.status, "words": entry.words}
    return json.dumps(known, ensure_ascii=False, separators=(",", ":")).encode()


def from_json(content: bytes, sha256: bytes, place: Place) -> Entry:
    """The entry of a frame."""
    return replace(Entry(sha256=sha256, **json.loads(content)), place=place)
