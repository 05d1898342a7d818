"""When which rate constants hold: from one injection to the next, by what was given and whether the first cycle is over."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gemel.core.errors import InputError
from gemel.core.record import Action
from gemel.systems.theranostics.agent import GIVE, Agent, agent_of, gives
from gemel.systems.theranostics.body import Body


@dataclass(frozen=True, order=True)
class Given:
    """One injection, and the kind of action that gave it."""

    t_s: float
    MBq: float
    kind: str = GIVE


@dataclass(frozen=True)
class Law:
    """Whether the first cycle is over, what is given, and the activity of a cycle (0 where uptake does not depend on it)."""

    later: bool
    agent: Agent
    activity_MBq: float


@dataclass(frozen=True)
class Piece:
    """A time under one law, what is given in it, and the nuclide that is replaced as it begins."""

    start_s: float
    stop_s: float
    law: Law
    given: tuple[Given, ...]
    replaces: Agent


def pieces(body: Body, actions: Sequence[Action], start_s: float, stop_s: float) -> list[Piece]:
    """From one time to another, in order. Raises InputError for two nuclides at one time."""
    given = sorted({*(Given(*one) for one in body.given), *(Given(a.t_s, a.amount, a.kind) for a in actions if gives(a))})
    laws = [law(body, given, k) for k in range(len(given))]
    _require_one_at_a_time(given, laws)
    changes = [0, *(k for k in range(1, len(given)) if laws[k] != laws[k - 1])]
    edges = [-np.inf, *(given[k].t_s for k in changes[1:]), np.inf]
    found = []
    for n, k in enumerate(changes):
        first_s, last_s = max(edges[n], start_s), min(edges[n + 1], stop_s)
        if first_s < last_s:
            replaced = laws[changes[n - 1]].agent if n and first_s == edges[n] else laws[k].agent
            inside = tuple(one for one in given if first_s <= one.t_s < last_s)
            found.append(Piece(first_s, last_s, laws[k], inside, replaced))
    return found


def law(body: Body, given: Sequence[Given], k: int) -> Law:
    """What holds from the k-th injection on."""
    return Law(k > 0, agent_of(given[k].kind), given[k].MBq if body.displaced else 0.0)


def _require_one_at_a_time(given: Sequence[Given], laws: Sequence[Law]) -> None:
    for k in range(1, len(given)):
        if given[k].t_s == given[k - 1].t_s and laws[k].agent != laws[k - 1].agent:
            found = f"{given[k - 1].kind!r} and {given[k].kind!r} at one time"
            raise InputError(found, where="theranostics", remedy="give one nuclide a cycle: one network holds one label")
