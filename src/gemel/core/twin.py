"""The fold of a model over a record."""

from dataclasses import replace
from itertools import groupby

import numpy as np

from gemel.core.errors import InputError
from gemel.core.model import Condition, Model, Twin
from gemel.core.record import Action, Event, Observation, in_order
from gemel.core.time import iso

__all__ = ["Twin", "assimilate", "generator", "given", "new", "observations", "replay"]


def new(model: Model, t_s: float, seed: int) -> Twin:
    """The twin before any observation: the model's prior at time `t_s`."""
    return Twin(model, model.prior, t_s, t_s, (), seed)


def assimilate(twin: Twin, events: tuple[Event, ...], condition: Condition | None = None) -> Twin:
    """The twin after `events`; a late event (earlier than the newest one) is assimilated by replaying the whole record in time order.

    Raises InputError for an observation kind that the model does not know, or an event before the twin's start.
    """
    for event in events:
        if event.t_s < twin.start_s:
            raise InputError(
                f"an event of {iso(event.t_s)}", where=f"a twin that starts {iso(twin.start_s)}", remedy="start a new twin earlier"
            )
        if isinstance(event, Observation) and event.kind not in twin.model.observe:
            known = ", ".join(sorted(twin.model.observe))
            raise InputError(f"an observation of kind {event.kind!r}", where=twin.model.name, remedy=f"the model knows {known}")
    late = any(event.t_s <= known.t_s for event in events for known in twin.record if isinstance(known, Observation))
    if late:
        return replay(twin, (*twin.record, *events), condition)
    return _fold(twin, in_order(events), condition or twin.model.condition)


def replay(twin: Twin, record: tuple[Event, ...], condition: Condition | None = None) -> Twin:
    """The same model folded again from its prior over `record`: the same belief to the last bit."""
    start = replace(twin, belief=twin.model.prior, record=(), t_s=twin.start_s)
    return _fold(start, in_order(record), condition or twin.model.condition)


def _fold(twin: Twin, ordered: tuple[Event, ...], condition: Condition) -> Twin:
    for t_s, group in groupby(ordered, key=lambda e: e.t_s):
        events = tuple(group)
        observations = [e for e in events if isinstance(e, Observation)]
        belief, reached = twin.belief, twin.t_s
        if observations:
            belief, reached = condition(twin, observations, generator(twin)), t_s
        twin = replace(twin, belief=belief, t_s=reached, record=twin.record + events)
    return twin


def generator(twin: Twin, stream: int = 0) -> np.random.Generator:
    """The generator of the twin's next step; `stream` separates assimilation (0) from other uses at the same step.

    Steps are counted in observations, so that what was given does not change what is learned from the scans.
    """
    return np.random.default_rng([twin.seed, stream, len(observations(twin))])


def observations(twin: Twin) -> tuple[Observation, ...]:
    """The observations in the record."""
    return tuple(e for e in twin.record if isinstance(e, Observation))


def given(twin: Twin) -> tuple[Action, ...]:
    """The actions that were really given."""
    return tuple(e for e in twin.record if isinstance(e, Action) and e.source)
