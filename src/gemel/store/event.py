"""One thing that happened to a twin: what, when it was true, when it was known, by whom, from what, and the seal of the chain."""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from gemel.core.errors import InputError, StoreError

KINDS = (
    *("Ingested", "Observed", "Assimilated", "Forecast", "Decided", "Adapted", "Acted", "Outcome", "Checked", "Advised"),
    *("Retracted", "Promoted", "Quarantined", "Erased"),
)
GENESIS = "0" * 64  # what the first event of a file follows
LARGEST_BITS = 1024  # of a whole number: what other readers of JSON take (RFC 8259, §6: those of a double)


@dataclass(frozen=True)
class Event:
    """An entry of the record. `hash` seals every other field; `previous` is the hash of the entry before it in the whole file.

    `version` counts 1, 2, 3… within the twin; `valid_s` is the time it speaks of, `known_s` the time it became known; `inputs` and
    `outputs` are hashes of artefacts, events or digests; `kept` are the outputs that were artefacts of this store when the event was
    committed; `environment` is the artefact that lists the code and library versions.
    """

    twin: str
    version: int
    valid_s: float
    known_s: float
    kind: str
    actor: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    kept: tuple[str, ...]
    payload: Mapping[str, Any] = field(hash=False)
    environment: str
    seed: int | None
    previous: str
    hash: str


SEALED = tuple(f.name for f in fields(Event) if f.name != "hash")


def canonical(value: object, where: str = "payload") -> str:
    """JSON with sorted keys, no whitespace, ASCII only, floats in their shortest exact form. Raises InputError for NaN and non-JSON."""
    try:
        return json.dumps(_plain(value, where), sort_keys=True, separators=(",", ":"), allow_nan=False)
    except RecursionError as error:
        raise InputError("lists or mappings nested too deep", where=where[:80], remedy="put them into an artefact") from error


def _plain(value: Any, where: str) -> Any:
    """The value in JSON's own types; each refusal names the path of its leaf."""
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise InputError("a key that is not text", where=where, remedy="name every entry with a string")
        return {key: _plain(item, f"{where}.{key}") for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, f"{where}[{i}]") for i, item in enumerate(value)]
    if isinstance(value, float) and not math.isfinite(value):
        raise InputError(f"{value}", where=where, remedy="leave the entry out or use null; the record holds finite numbers only")
    if isinstance(value, int) and value.bit_length() > LARGEST_BITS:
        raise InputError(f"a whole number of {value.bit_length()} bits", where=where, remedy="write it as text")
    if value is None or isinstance(value, str | bool | int | float):
        return value
    raise InputError(f"a {type(value).__name__}", where=where, remedy="convert it to a number or list; put arrays in artefacts")


def seal(sealed: Mapping[str, Any]) -> tuple[Event, str]:
    """The event made of every field but `hash`, and its body: the canonical JSON of which `hash` is the SHA-256 (FIPS 180-4)."""
    body = canonical(sealed, str(sealed["kind"]))
    return parse(body), body


def parse(body: str) -> Event:
    """The event of a body. Raises StoreError when the text is not one."""
    try:
        held = json.loads(body)
        lists = {name: tuple(held[name]) for name in ("inputs", "outputs", "kept")}
        return Event(**{**held, **lists}, hash=hash_of(body))
    except (ValueError, TypeError, KeyError) as error:
        raise StoreError(f"an entry that is not an event ({error})", remedy="the file was altered; restore a copy") from error


def hash_of(body: str) -> str:
    """SHA-256 of a body's bytes."""
    return hashlib.sha256(body.encode("utf-8", "surrogatepass")).hexdigest()


def require_kind(kind: str) -> None:
    """Raises InputError for a kind that the record does not know."""
    if kind not in KINDS:
        raise InputError(f"an event of kind {kind!r}", where="append", remedy=f"choose from {', '.join(KINDS)}")


def require_hashes(name: str, hashes: Sequence[str]) -> tuple[str, ...]:
    """The hashes as a tuple. Raises InputError when one is not 64 lower-case hexadecimal digits."""
    for text in hashes:
        if not isinstance(text, str) or len(text) != 64 or set(text) - set("0123456789abcdef"):
            raise InputError(f"{text!r} among the {name}", where="append", remedy="pass SHA-256 hashes, as artefacts.put returns them")
    return tuple(hashes)
