"""Receiving an object: bytes with a UID, sent once or many times, by one sender or many, in any order."""

import hashlib
from dataclasses import dataclass

from gemel.core.errors import InputError
from gemel.store import objects
from gemel.store.artefacts import is_there
from gemel.store.event import Event
from gemel.store.record import Store

INBOX = "inbox"


@dataclass(frozen=True)
class Received:
    """The hash under which the bytes are kept; the event of their first arrival, None when they had come before; all hashes of the UID."""

    hash: str
    event: Event | None
    held: tuple[str, ...]

    @property
    def quarantined(self) -> bool:
        """True when different bytes came under one UID: both are kept and none may be used."""
        return len(self.held) > 1


def receive(store: Store, uid: str, content: bytes, *, inbox: str = INBOX, valid_s: float | None = None, actor: str = "") -> Received:
    """Keeps the bytes and their event durably before it returns; the same bytes again change nothing.

    The first bytes of a UID are Ingested, others Quarantined. Raises InputError for an empty UID.
    """
    if not uid:
        raise InputError("an object without a UID", where="receive", remedy="send it with its SOP Instance UID")
    hash = hashlib.sha256(content).hexdigest()
    before = objects.known(store.rows, uid)
    if hash in before and is_there(store.artefacts, hash):
        return Received(hash, None, before)
    store.artefacts.put(content)
    with store.together():
        before = objects.known(store.rows, uid)
        if hash in before:
            return Received(hash, None, before)
        kind, payload = ("Quarantined", {"uid": uid, "others": list(before)}) if before else ("Ingested", {"uid": uid})
        event = store.append(inbox, kind, payload, valid_s=valid_s, actor=actor, inputs=before, outputs=(hash,))
        objects.note(store.rows, uid, hash, event)
    return Received(hash, event, tuple(sorted((*before, hash))))


def held(store: Store, uid: str) -> tuple[str, ...]:
    """Hashes of the bytes that came under a UID."""
    return objects.known(store.rows, uid)


def state_hash(store: Store) -> str:
    """SHA-256 of which bytes came under which UID: the same for any order and repetition of arrivals."""
    return objects.state_hash(store.rows)
