"""The record: append-only, hash-chained events in one database, content-addressed artefacts beside it."""

from gemel.store.artefacts import Artefacts
from gemel.store.check import Finding
from gemel.store.erasing import erase, left_to_erase
from gemel.store.event import GENESIS, KINDS, Event
from gemel.store.exporting import export
from gemel.store.importing import Crate, load, read_crate
from gemel.store.opening import open
from gemel.store.queries import Lease
from gemel.store.receiving import Received, held, receive, state_hash
from gemel.store.record import Store
from gemel.store.replay import Recomputed, Replay, replay
from gemel.store.sweep import Sweep

__all__ = [
    "GENESIS",
    "KINDS",
    "Artefacts",
    "Crate",
    "Event",
    "Finding",
    "Lease",
    "Received",
    "Recomputed",
    "Replay",
    "Store",
    "Sweep",
    "erase",
    "export",
    "held",
    "left_to_erase",
    "load",
    "open",
    "read_crate",
    "receive",
    "replay",
    "state_hash",
]
