"""Whose results these are, when they speak, and which images they rest on."""

from collections.abc import Sequence
from dataclasses import dataclass

from gemel import io
from gemel.flow.session import Session
from gemel.io.dicom_file import is_dicom, parse, text, uid
from gemel.io.radiation_sr import da_tm
from gemel.store import Event
from gemel.store.artefacts import find

MOST = 4096
"""Images that one report names."""
Named = tuple[str, str, str, str]


@dataclass(frozen=True)
class Ground:
    """Identity of the planning study, date and time (DA, TM) of the newest scan, its images (class, UID, series, study) and their frame."""

    identity: io.Identity
    at: tuple[str, str]
    images: tuple[Named, ...]
    frame: str


def ground(session: Session) -> Ground:
    """Of the newest scan; of the planning images before one. Raises StoreError when the person was erased."""
    who = session.store.person(session.entries[0])
    seen = [entry for entry in session.entries if entry.kind == "Observed"]
    newest = max(seen, key=lambda entry: (entry.valid_s, entry.version)) if seen else session.entries[0]
    images, frame = images_of(session, newest)
    patient = who["patient_id"] or session.id
    identity = io.Identity(
        patient, who["issuer"], who["study_uid"], who.get("series_uid", ""), who.get("frame_uid", ""), patient_name=who["patient_name"]
    )
    return Ground(identity, da_tm(newest.valid_s), images, frame)


def images_of(session: Session, scan: Event) -> tuple[tuple[Named, ...], str]:
    """The DICOM images that an entry was read from, and their frame of reference (empty where they are none, or of several)."""
    kept = [name for name in _originals(session, scan)[:MOST] if find(session.store.artefacts, name)]
    rows = [_named(session.store.artefacts.get(name)) for name in kept]
    found = [row for row in rows if row is not None]
    frames = {frame for _, frame in found}
    return tuple(row for row, _ in found), frames.pop() if len(frames) == 1 else ""


def _originals(session: Session, scan: Event) -> Sequence[str]:
    events = {entry.hash for entry in session.history}
    return [name for name in scan.inputs if name not in events]


def _named(data: bytes) -> tuple[Named, str] | None:
    """Class, UID, series, study and frame of a DICOM image; None for what is none."""
    if not is_dicom(data):
        return None
    dataset = parse(data, "original", pixels=False)
    if "Rows" not in dataset:
        return None
    row = tuple(uid(dataset, key, "original") for key in ("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID"))
    return (row[0], row[1], row[2], row[3]), text(dataset, "FrameOfReferenceUID", "original")
