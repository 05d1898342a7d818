"""The record of many twins: append, read as of a time, retract, verify, lease."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from types import TracebackType
from typing import Any
from uuid import uuid4

from gemel.core.errors import ConflictError, InputError, StoreError
from gemel.store import artefacts as kept
from gemel.store import objects, persons, queries, standing
from gemel.store import sweep as sweeping
from gemel.store.check import Finding, artefact_findings, chain_findings, read
from gemel.store.environment import environment
from gemel.store.event import GENESIS, Event, parse, require_hashes, require_kind, seal
from gemel.store.process import is_dead, this_process
from gemel.store.queries import Lease
from gemel.store.rows import Rows
from gemel.store.stated import limit, moment, require_fields, require_text
from gemel.store.taint import tainted


@dataclass(frozen=True)
class Store:
    """An open record: events in one database, artefacts beside it. Made by `gemel.store.open`; use it in a `with` block.

    One chain runs over all twins: commits take turns in any case, and a single exported head then vouches for every twin,
    also for one that was removed whole. `swept` is what the start-up sweep found.
    """

    rows: Rows
    artefacts: kept.Artefacts
    clock: Callable[[], float]
    users: int
    leave: Callable[[], object]
    swept: sweeping.Sweep
    held: dict[str, str] = field(default_factory=dict)  # twin → token of the lease that this store holds

    def append(
        self,
        twin: str,
        kind: str,
        payload: Mapping[str, Any],
        *,
        valid_s: float | int | None = None,
        known_s: float | int | None = None,
        actor: str = "",
        seed: int | None = None,
        inputs: Sequence[str] = (),
        outputs: Sequence[str] = (),
        expected_version: int | None = None,
    ) -> Event:
        """Commits the next event of a twin and returns it once it is on the disk (within `together`, once that block has ended).

        `known_s` is now unless stated, `valid_s` is `known_s` unless stated, an empty actor means not stated.
        Raises InputError for an unknown kind, and for what is not text, a number or finite JSON where it must be; ConflictError when the
        twin is not at `expected_version` or another process holds it; StoreError when the disk refuses.
        """
        require_kind(kind)
        known = moment("known_s", self.clock() if known_s is None else known_s)
        stated: dict[str, Any] = {"twin": twin, "kind": kind, "payload": payload, "actor": actor, "seed": seed, "known_s": known}
        stated["valid_s"] = known if valid_s is None else moment("valid_s", valid_s)
        stated |= {"inputs": require_hashes("inputs", inputs), "outputs": require_hashes("outputs", outputs)}
        stated["kept"] = [name for name in outputs if kept.find(self.artefacts, name)]
        stated["environment"] = self.environment
        return self.commit(stated, expected_version)

    def commit(self, stated: Mapping[str, Any], expected_version: int | None = None) -> Event:
        """Seals and commits an event given by all its fields but version, previous and hash; `append` states them for what happens now."""
        require_fields(stated)
        twin = stated["twin"]
        with self.rows.transaction():
            version = queries.last_version(self.rows, twin)
            self._require_free(twin)
            _require_version(twin, version, expected_version)
            sequence, previous = queries.last_event(self.rows) or (0, GENESIS)
            event, body = seal({**stated, "version": version + 1, "previous": previous})
            queries.insert_event(self.rows, sequence + 1, event, body)
        return event

    def together(self) -> AbstractContextManager[None]:
        """All events appended in the block are committed when it ends, or none: no crash leaves some of them alone."""
        return self.rows.transaction()

    def keep_person(self, details: Mapping[str, Any]) -> str:
        """Keeps who somebody is, erasably, and returns the reference to be put into an event's payload as `person`.

        Call it in one `together` block with that event.
        """
        with self.rows.transaction():
            return persons.keep(self.rows, details)

    def person(self, event: Event) -> dict[str, Any]:
        """Who the person of an event is. Raises StoreError when the details were erased or altered."""
        return persons.details(self.rows, event)

    def retract(self, event: Event | str, reason: str, *, actor: str = "", known_s: float | int | None = None) -> Event:
        """Withdraws an event, given itself or its hash; everything derived from it becomes tainted.

        The retraction speaks of the time of the event. Raises InputError without a reason, and for what is or was retracted.
        """
        name = event.hash if isinstance(event, Event) else require_text("event", event)
        row = queries.row_of(self.rows, name)
        if row is None:
            raise InputError(f"no event {name}", where=self.rows.place, remedy="pass an event of this record, or its hash")
        target = read(row)
        if not require_text("reason", reason).strip():
            raise InputError("no reason", where="retract", remedy="say why the event is withdrawn")
        gone = {source for e in self.events(target.twin) if e.kind == "Retracted" for source in e.inputs}
        if target.kind == "Retracted" or target.hash in gone:
            raise InputError("an event that cannot be retracted again", where=name, remedy="append a corrected event instead")
        payload = {"reason": reason, "version": target.version, "kind": target.kind}
        valid_s, sources = target.valid_s, (target.hash,)
        return self.append(target.twin, "Retracted", payload, valid_s=valid_s, known_s=known_s, actor=actor, inputs=sources)

    def events(self, twin: str, as_of: float | int | None = None, known_at: float | int | None = None) -> list[Event]:
        """Events of a twin in order of commit, each checked: those that speak of times ≤ `as_of` and were known by `known_at`."""
        asked = require_text("twin", twin), limit("as_of", as_of), limit("known_at", known_at)
        return [read(row) for row in queries.event_rows(self.rows, *asked)]

    def of_kind(self, *kinds: str, twin: str | None = None) -> list[Event]:
        """Events of some kinds, each checked, of one twin or of all, in order of commit: without reading the others."""
        return [read(row) for row in queries.rows_of_kind(self.rows, kinds, twin)]

    def news(self, after: int = 0) -> list[tuple[int, str, int, str, str]]:
        """Sequence, twin, version, kind and hash of every event after a sequence, in order of commit: what is new since then."""
        return [(int(row[0]), str(row[1]), int(row[2]), str(row[3]), str(row[4])) for row in queries.rows_after(self.rows, after)]

    def firsts(self) -> list[Event]:
        """The first event of every twin."""
        return [read(row) for row in queries.first_rows(self.rows)]

    def twins(self) -> list[str]:
        """Names of the twins in order of their first event."""
        return queries.twin_names(self.rows)

    def version(self, twin: str) -> int:
        """Number of events of a twin; 0 for one that is not in the record."""
        return queries.last_version(self.rows, twin)

    def tainted(self, known_at: float | int | None = None) -> frozenset[str]:
        """Hashes of the events and outputs that depend on what was retracted by `known_at`."""
        if not queries.rows_of_kind(self.rows, ("Retracted",)):
            return frozenset()
        return tainted(read(row) for row in queries.event_rows(self.rows, known_at=limit("known_at", known_at)))

    def head(self) -> str:
        """Hash of the newest event; with a copy kept elsewhere, `verify(head)` tells later whether all up to it is still there."""
        last = queries.last_event(self.rows)
        return last[1] if last else GENESIS

    def verify(self, head: str | None = None) -> bool:
        """True when nothing in the log was altered, removed, reordered or, given an exported head, cut off."""
        return not self.check(head)

    def check(self, head: str | None = None, *, artefacts: bool = False) -> list[Finding]:
        """What is wrong with the log and, if asked, with every artefact (reads all of them)."""
        place = self.rows.place
        queries.last_event(self.rows)  # a closed store raises; it is not damaged
        try:
            found = [Finding(place, what) for what in self.rows.damage()]
            rows = queries.event_rows(self.rows)
        except ConflictError:
            raise
        except StoreError as error:
            return [Finding(place, str(error))]
        found += chain_findings(rows, head)
        if found:
            return found
        events = [parse(row[7]) for row in rows]
        found += persons.findings(self.rows, events) + objects.findings(self.rows, events)
        return found + (artefact_findings(self.artefacts, events) if artefacts else [])

    def sweep(self) -> sweeping.Sweep:
        """Reports unfinished files and artefacts of which no event and no task speaks, and moves them to quarantine/."""
        return sweeping.sweep(self.artefacts, self.users, lambda: [*queries.bodies(self.rows), *standing.spoken(self.rows)])

    @contextmanager
    def lease(self, twin: str, actor: str) -> Iterator[Lease]:
        """Sole right to change a twin during the block. Raises ConflictError when a living process has it; a dead one's is taken over."""
        mine = Lease(twin, uuid4().hex, actor, self.clock(), this_process())
        with self.rows.transaction():
            self._require_free(twin)
            if twin in self.held:
                raise _busy(mine)
            queries.insert_lease(self.rows, mine)
        self.held[twin] = mine.token
        try:
            yield mine
        finally:
            del self.held[twin]
            with self.rows.transaction():
                queries.delete_lease(self.rows, twin, mine.token)

    def leases(self) -> list[Lease]:
        """Leases now held by any process."""
        return queries.leases(self.rows)

    def release(self, twin: str) -> bool:
        """Ends a lease whose holder is gone with its machine; if it lives it can no longer write. False when there was none."""
        with self.rows.transaction():
            return queries.delete_lease(self.rows, twin)

    def close(self) -> None:
        """Closes the record; closing twice does nothing."""
        with self.rows.turn:
            self.leave()

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    @cached_property
    def environment(self) -> str:
        """Hash of the artefact that lists the code and library versions of this process."""
        return self.artefacts.put(environment())

    def _require_free(self, twin: str) -> None:
        mine = self.held.get(twin)
        lease = next(iter(queries.leases(self.rows, twin)), None)
        if mine and (lease is None or lease.token != mine):
            raise ConflictError(f"a lease on {twin} that was taken away", where=self.rows.place, remedy="repeat the command")
        if lease and lease.token != mine and not is_dead(lease.holder):
            raise _busy(lease)


def _busy(lease: Lease) -> ConflictError:
    found = f"twin {lease.twin} is held by {lease.actor} (process {lease.holder.pid} on {lease.holder.host})"
    return ConflictError(found, where="the record", remedy="repeat when it has finished; if that machine is gone, release() the twin")


def _require_version(twin: str, version: int, expected: int | None) -> None:
    if expected is not None and expected != version:
        found = f"twin {twin} at version {version}, not {expected}"
        raise ConflictError(found, where="append", remedy="read its new events, decide again, then append")
