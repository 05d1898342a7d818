"""DICOM unique identifiers: the strict form, and UIDs derived from content."""

import re
import uuid

from gemel.core.errors import IdentityError

_FORM = re.compile(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))+")
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_OID, "gemel")


def is_uid(text: str) -> bool:
    """True for digits and dots, at most 64 characters, no component with a leading zero. DICOM PS3.5 §9.1."""
    return len(text) <= 64 and _FORM.fullmatch(text) is not None


def require_uid(text: str, where: str) -> str:
    """The UID itself, or IdentityError."""
    if not is_uid(text):
        raise IdentityError(
            f"an invalid UID {text[:80]!r}", where=where, remedy="export it again; a UID has digits and dots only (PS3.5 §9.1)"
        )
    return text


def content_uid(*parts: str | bytes) -> str:
    """2.25.<UUIDv5 of the parts as an integer>: equal content, equal UID, so that a re-run writes the same objects. PS3.5 §B.2."""
    text = "\x1f".join(part.hex() if isinstance(part, bytes) else part for part in parts)
    return f"2.25.{uuid.uuid5(_NAMESPACE, text).int}"
