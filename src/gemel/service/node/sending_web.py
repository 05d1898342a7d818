"""STOW-RS (PS3.18 §10.5): files sent to a DICOMweb server, many in a request, each with its own end."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from uuid import uuid4

import httpx

from gemel.core.errors import PeerError
from gemel.core.system import Progress, silent
from gemel.service.node.commitment import REASONS
from gemel.service.node.sending_store import Item, Sent

LARGEST_REQUEST_bytes = 64 << 20
MOST_PARTS = 500
ANSWER_s = 120.0
ACCEPTED = (200, 202, 409)  # all, some or none of the objects were stored: the answer's data set names which
TEMPORARY = (408, 425, 429, 500, 502, 503, 504)


def stow(
    items: Sequence[Item],
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    verify: Any = True,
    progress: Progress = silent,
    told: Callable[[Sent], None] = lambda sent: None,
) -> tuple[Sent, ...]:
    """How each file fared, in order. `url` is the service's root, such as https://host/dicom-web. Raises PeerError when nobody is there."""
    ends: list[Sent] = []
    with httpx.Client(timeout=ANSWER_s, verify=verify, headers=dict(headers or {}), follow_redirects=False) as client:
        for part in _parts(items):
            for end in _request(client, url, part):
                ends.append(end)
                told(end)
                progress("sent", len(ends), len(items))
    return tuple(ends)


def _parts(items: Sequence[Item]) -> Iterator[list[Item]]:
    """Files that go together: bounded in number and bytes, so that neither side holds more."""
    part: list[Item] = []
    size = 0
    for item in items:
        n = item.path.stat().st_size if item.path.is_file() else 0
        if part and (len(part) >= MOST_PARTS or size + n > LARGEST_REQUEST_bytes):
            yield part
            part, size = [], 0
        part.append(item)
        size += n
    if part:
        yield part


def _request(client: httpx.Client, url: str, part: Sequence[Item]) -> list[Sent]:
    boundary = uuid4().hex
    there = [item for item in part if item.path.is_file()]
    kind = f'multipart/related; type="application/dicom"; boundary={boundary}'
    asked = {"Content-Type": kind, "Accept": "application/dicom+json"}
    try:
        answer = client.post(f"{url.rstrip('/')}/studies", content=_body(there, boundary), headers=asked)
    except httpx.TransportError as error:
        raise PeerError(f"no answer ({type(error).__name__})", where=url, remedy="check the address, and that it runs") from error
    if answer.status_code not in ACCEPTED:
        words = f"HTTP {answer.status_code} {answer.reason_phrase}{_detail(answer)}"
        if answer.status_code in (401, 403):
            raise PeerError(words, where=url, remedy="for a token that may store images, set GEMEL_TOKEN")
        return [Sent(item, False, words, later=answer.status_code in TEMPORARY) for item in part]
    failed = failures(answer)
    return [_end(item, failed, item in there) for item in part]


def _end(item: Item, failed: Mapping[str, int], was_there: bool) -> Sent:
    if not was_there:
        return Sent(item, False, "the file is gone")
    status = failed.get(item.sop_instance_uid)
    if status is None:
        return Sent(item, True)
    return Sent(item, False, f"0x{status:04X}, {REASONS.get(status, 'a failure')}", later=0xA700 <= status < 0xA800)


def failures(answer: httpx.Response) -> dict[str, int]:
    """UID → FailureReason of the objects that were not stored (PS3.18 table 10.5.3-2)."""
    if not answer.content:
        return {}
    try:
        says = answer.json()
        found = says[0] if isinstance(says, list) else says
        items = found.get("00081198", {}).get("Value", [])
        return {item["00081155"]["Value"][0]: int(item.get("00081197", {}).get("Value", [0x0110])[0]) for item in items}
    except (ValueError, KeyError, IndexError, AttributeError, TypeError) as error:
        raise PeerError("an answer that is no DICOM JSON", where=str(answer.url), remedy="check that this is a DICOMweb address") from error


def _detail(answer: httpx.Response) -> str:
    """What a service that speaks problem+json says of it."""
    if "problem+json" not in answer.headers.get("content-type", ""):
        return ""
    return f": {answer.json().get('detail', '')}"


def _body(items: Sequence[Item], boundary: str) -> Iterator[bytes]:
    for item in items:
        yield f"--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode()
        with item.path.open("rb") as file:
            while chunk := file.read(1 << 20):
                yield chunk
        yield b"\r\n"
    yield f"--{boundary}--\r\n".encode()
