"""Whose object this is, and whether two objects may be brought together."""

from dataclasses import dataclass

from gemel.core.errors import IdentityError
from gemel.core.image import Image


@dataclass(frozen=True)
class Identity:
    """Patient, study, series and frame of reference of a DICOM object. An empty UID means: derive it from the content on writing."""

    patient_id: str
    issuer: str = ""
    study_uid: str = ""
    series_uid: str = ""
    frame_uid: str = ""
    modality: str = "CT"
    patient_name: str = ""


@dataclass(frozen=True)
class Series:
    """One image series. `sop_uids` follow z; `acquired` and `studied` (the study's time) are ISO 8601 local time or empty.

    `digest` is SHA-256 over the files' SHA-256; `scanner` is the machine: manufacturer, model and station, as far as the files tell.
    """

    image: Image
    identity: Identity
    sop_uids: tuple[str, ...]
    acquired: str = ""
    studied: str = ""
    digest: str = ""
    scanner: str = ""


def require_same_patient(a: Identity, b: Identity, where: str) -> None:
    """Raises IdentityError unless PatientID agrees, and the issuer where both name one."""
    issuers_differ = bool(a.issuer and b.issuer) and a.issuer != b.issuer
    if a.patient_id != b.patient_id or issuers_differ:
        raise IdentityError(
            f"PatientID {b.patient_id!r} ({b.issuer or 'no issuer'}) where {a.patient_id!r} ({a.issuer or 'no issuer'}) is expected",
            where=where,
            remedy="choose the files of one patient",
        )


def require_same_frame(frame: str, other: str, where: str) -> None:
    """Raises IdentityError unless both frames of reference are known and equal (PS3.3 C.7.4.1)."""
    if not frame or not other:
        raise IdentityError("an unknown frame of reference", where=where, remedy="read the image from DICOM, or set Image.frame")
    if frame != other:
        raise IdentityError(
            f"frame of reference {other} where {frame} is expected",
            where=where,
            remedy="register the images first, or choose the matching file",
        )
