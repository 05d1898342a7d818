"""`gemel twin erase`: a person is forgotten for good; the chain of events stays."""

from gemel import store as stores
from gemel.core.errors import InputError
from gemel.store import Event, Store


def erase(store: Store, twin_id: str, reason: str, *, actor: str = "") -> Event:
    """Deletes who the twin is of, and every artefact of which only its events speak; an event says what went and why.

    Regulation (EU) 2016/679, Article 17. Copies, backups and exported files are not reached. Raises InputError without a reason, for an
    unknown twin, and for one that was erased already.
    """
    with store.lease(twin_id, actor):
        before = store.of_kind("Erased", twin=twin_id)
        if before and not stores.left_to_erase(store, twin_id):
            found = f"a twin that was erased at version {before[-1].version}: {before[-1].payload['reason']}"
            raise InputError(found, where=twin_id, remedy="nothing is left to erase")
        return stores.erase(store, twin_id, reason, actor=actor)
