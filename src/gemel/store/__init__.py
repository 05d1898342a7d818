"""The record: append-only, hash-chained events in one SQLite file, content-addressed artefacts beside it."""

from gemel.store.artefacts import Artefacts
from gemel.store.check import Finding
from gemel.store.event import GENESIS, KINDS, Event
from gemel.store.opening import open
from gemel.store.queries import Lease
from gemel.store.record import Store
from gemel.store.sweep import Sweep

__all__ = ["GENESIS", "KINDS", "Artefacts", "Event", "Finding", "Lease", "Store", "Sweep", "open"]
