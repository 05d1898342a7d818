"""What kind of content a request takes, and what it brings. RFC 9110 §12.5.1; PS3.18 §8.7."""

from collections.abc import Sequence
from dataclasses import dataclass
from email.message import Message

from fastapi import HTTPException, Request

JSON = ("application/dicom+json", "application/json")
MULTIPART = "multipart/related"


@dataclass(frozen=True)
class Kind:
    """A media type with the parameters that matter here; `quality` is how much it is wanted."""

    name: str
    type: str = ""
    transfer_syntax: str = ""
    boundary: str = ""
    quality: float = 1.0


def kind_of(text: str) -> Kind:
    """One media type of a header."""
    message = Message()
    message["Content-Type"] = text[:1024]
    found = {str(name).lower(): str(value) for name, value in message.get_params(failobj=[], unquote=True)[1:]}
    name = text.split(";")[0].strip().lower()
    return Kind(
        name, found.get("type", "").lower(), found.get("transfer-syntax", ""), found.get("boundary", ""), _quality(found.get("q", "1"))
    )


def accepted(request: Request) -> list[Kind]:
    """What the request takes, the most wanted first; everything when it does not say."""
    texts = [part for part in _parts(request.headers.get("accept", "")) if part.strip()][:32]
    kinds = [kind for kind in map(kind_of, texts) if kind.quality > 0]
    return sorted(kinds, key=lambda kind: -kind.quality) or [Kind("*/*")]


def choose(request: Request, offers: Sequence[str]) -> str:
    """The offer that is wanted most. Raises HTTPException 406 when none is."""
    for kind in accepted(request):
        for offer in offers:
            if kind.name in (offer, "*/*") or (kind.name.endswith("/*") and offer.startswith(kind.name[:-1])):
                return offer
    wanted = ", ".join(kind.name for kind in accepted(request))
    raise HTTPException(406, f"{wanted[:200]} cannot be given here; accept {' or '.join(offers)}")


def _parts(header: str) -> list[str]:
    """Split at commas outside quotes."""
    parts, quoted = [""], False
    for character in header[:4096]:
        quoted ^= character == '"'
        if character == "," and not quoted:
            parts.append("")
        else:
            parts[-1] += character
    return parts


def _quality(text: str) -> float:
    try:
        return min(max(float(text), 0.0), 1.0)
    except ValueError:
        return 0.0
