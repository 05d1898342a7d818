"""The fold of a record that is begun where an earlier one ended: beliefs are kept beside the record, and never rested on.

What is kept is named by the digest of all that it follows from: code, libraries, case, prior, seed and the hashes of the events, in
order. So another code, or a record with one event more, less, changed or retracted, does not find it, and is folded again; so is a
file that was altered, and a belief that cannot be taken apart.
"""

import hashlib
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, make_dataclass, replace
from functools import partial
from itertools import groupby
from typing import Any, get_type_hints

import numpy as np

from gemel.core import twin as twins
from gemel.core.belief import Belief
from gemel.core.digest import digest
from gemel.core.errors import InputError
from gemel.core.image import Array
from gemel.core.packing import pack, unpack
from gemel.core.record import Event, Observation, in_order
from gemel.core.system import System
from gemel.core.twin import Twin
from gemel.flow.code import digest_of, home
from gemel.store import Event as Entry
from gemel.store import Store, arrays, derived
from gemel.store.environment import environment

KIND = "?"
"""Name under which the class is kept: no field bears it."""


@dataclass(frozen=True)
class Told:
    """An event of the model's record, and the hash of the entry that holds it."""

    event: Event
    hash: str


def assimilated(
    empty: Twin, entries: Sequence[Entry], *, store: Store, system: System, record: Callable[[tuple[Entry, ...]], tuple[Event, ...]]
) -> Twin:
    """`twin.assimilate(empty, record(entries))`, to the last bit, begun at the longest remembered part; the whole is then remembered."""
    told = _in_order([Told(event, entry.hash) for entry in entries for event in record((entry,))])
    twin_id, keys = entries[0].twin, list(_keys(told, _basis(empty, entries, system)))
    begun = _begun(empty, told, keys, partial(derived.find, store.artefacts, twin_id))
    after = twins.assimilate(begun, tuple(one.event for one in told[len(begun.record) :]))
    learned = bool(keys) and len(begun.record) < keys[-1][0]
    if learned and (taken := taken_apart(after.belief, after.model.prior)) is not None:
        derived.keep(store.artefacts, twin_id, keys[-1][1], arrays.pack(taken))
    return after


def code_digest(system: System) -> str:
    """Digest of the system's own files, and of the versions of gemel and of the libraries."""
    return digest_of(hashlib.sha256(environment()).hexdigest(), (home(system),))


def taken_apart(belief: Belief, prior: Belief) -> dict[str, Array] | None:
    """The belief as named arrays, without what it has from the prior; None when there are other things in it.

    Arrays in another order than C's are left alone: a copy in C order adds up to another last bit.
    """
    if not is_dataclass(belief):
        return None
    kind, values = type(belief), {field.name: getattr(belief, field.name) for field in fields(belief)}
    own = {name: value for name, value in values.items() if getattr(prior, name, None) is not value}
    try:
        parts = {**pack(_part(kind, own)(**own)), KIND: np.array([kind.__module__, kind.__qualname__])}
    except InputError:
        return None
    return parts if all(array.flags.c_contiguous and not array.dtype.hasobject for array in parts.values()) else None


def put_together(parts: Mapping[str, Array], prior: Belief) -> Belief | None:
    """The belief of `taken_apart`, with what it has from this prior; None for a class that is not loaded or has other fields."""
    module, name = (str(text) for text in parts[KIND])
    kind: Any = getattr(sys.modules.get(module), name, None)
    if not (isinstance(kind, type) and is_dataclass(kind) and issubclass(kind, Belief)):
        return None
    own = {path.partition("/")[0] for path in parts} - {KIND}
    try:
        held = unpack(_part(kind, own), parts)
        made: Belief = kind(**{field.name: getattr(held if field.name in own else prior, field.name) for field in fields(kind)})
    except (InputError, AttributeError):
        return None
    return made


def _part(kind: type, names: Collection[str]) -> type[Any]:
    """A dataclass of some of another's fields."""
    hints = get_type_hints(kind)
    return make_dataclass(kind.__name__, [(name, hints[name]) for name in hints if name in names], frozen=True)


def _begun(empty: Twin, told: Sequence[Told], keys: Sequence[tuple[int, str]], find: Callable[[str], bytes | None]) -> Twin:
    """The twin after the longest part of the record whose belief is remembered."""
    for count, key in reversed(keys):
        content = find(key)
        known = put_together(arrays.unpack(content, "a remembered belief"), empty.model.prior) if content is not None else None
        if known is not None:
            return _at(empty, told[:count], known)
    return empty


def _at(empty: Twin, told: Sequence[Told], belief: Belief) -> Twin:
    """The twin as the fold leaves it after these events."""
    reached = max(one.event.t_s for one in told if isinstance(one.event, Observation))
    return replace(empty, belief=belief, t_s=reached, record=tuple(one.event for one in told))


def _basis(empty: Twin, entries: Sequence[Entry], system: System) -> str:
    """Digest of all that the belief follows from besides the events."""
    made_from = [entry.payload[key] for entry in entries for key in ("case", "library") if key in entry.payload]
    state, params = empty.model.prior.draw(64, np.random.default_rng(0))
    described = {
        "model": [empty.model.name, empty.model.version, code_digest(system)],
        "start": [empty.start_s, empty.seed],
        "made from": made_from,
        "prior": [dict(state), dict(params)],
    }
    return digest(described)


def _in_order(told: Sequence[Told]) -> list[Told]:
    hashes = {id(one.event): one.hash for one in told}
    return [Told(event, hashes[id(event)]) for event in in_order(tuple(one.event for one in told))]


def _keys(told: Sequence[Told], basis: str) -> Iterator[tuple[int, str]]:
    """(number of events, key) of every part of the record that ends with a moment at which something was observed."""
    key, count = basis, 0
    for _, group in groupby(told, key=lambda one: one.event.t_s):
        moment = tuple(group)
        key, count = digest([key, [(one.hash, one.event) for one in moment]]), count + len(moment)
        if any(isinstance(one.event, Observation) for one in moment):
            yield count, key
