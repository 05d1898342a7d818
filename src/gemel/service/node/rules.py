"""What the node does by itself: rules, destinations and peers, as a site's TOML file states them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gemel.core.errors import InputError
from gemel.service.node.rules_expression import Expression, holds

OF_PATIENT = "of this PatientID"
ACTS = ("observe", "new", "forward", "ask", "ignore")
EVENTS = {"observe": "Assimilated", "decide": "Decided", "act": "Acted", "retract": "Retracted", "prepare": "Promoted"}
KINDS = ("SEG", "RTSTRUCT", "RTDOSE", "RTPLAN", "SR", "RDSR", "PDF", "REG", "PM", "CT", "NM")
NEXT = ("prepare", "decide")
"""What a rule may have done with the twin once the series is observed, or the twin made; giving a plan is a person's."""


@dataclass(frozen=True)
class Peer:
    """Another application entity: its title, where it listens, and whether it is spoken to through TLS.

    `networks` that it calls from and the name in its `certificate` are asked for where only known peers may call.
    """

    aet: str
    host: str
    port: int
    tls: bool = False
    name: str = ""
    networks: tuple[str, ...] = ()
    certificate: str = ""


@dataclass(frozen=True)
class Destination:
    """Where results go: a peer, or the DICOMweb `url` of one; `send` names the kinds of objects; `commit` asks for storage commitment.

    `systems`: results of these alone, of all when empty.
    """

    peer: Peer
    url: str = ""
    send: tuple[str, ...] = ("SEG", "RTDOSE", "SR", "PDF")
    commit: bool = True
    systems: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Its name in rules, lists and messages."""
        return self.peer.name


@dataclass(frozen=True)
class Rule:
    """`when` a settled series is such, `then` what is done: observe or new (a twin), forward (`to` destinations), ask (a person), ignore.

    `twin`: `OF_PATIENT`, or the id of one; `system` narrows the choice, or says what is made; `kind`: of scan, as `observe` takes it;
    `objects`: the series is whole with so many, 0: when nothing came for a while; `beside`: kind and condition of each other series that
    is needed, of one study; `options` and `names` (own name → the system's) go to `new`; `and_then`: verbs that follow, of NEXT.
    """

    name: str
    when: Expression
    then: str
    text: str = ""
    twin: str = OF_PATIENT
    system: str = ""
    kind: str = ""
    to: tuple[str, ...] = ()
    objects: int = 0
    beside: tuple[tuple[str, Expression], ...] = ()
    and_then: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Routing:
    """A site's rules in order, its destinations and peers, and patience: seconds of silence after which a series is settled, attempts,
    and seconds before the first repetition (each later one waits twice as long, at most `longest_s`).

    `results_after`: verbs after which results are sent. `known_peers_only`: nobody else may call the node.
    """

    rules: tuple[Rule, ...] = ()
    destinations: tuple[Destination, ...] = ()
    peers: tuple[Peer, ...] = ()
    settle_s: float = 10.0
    attempts: int = 5
    retry_s: float = 30.0
    longest_s: float = 3600.0
    results_after: tuple[str, ...] = ("observe", "decide")
    known_peers_only: bool = False


@dataclass(frozen=True)
class Chosen:
    """What the rules say of a series: the one that acts, if any, every one that forwards, and those that would act after it."""

    rule: Rule | None
    forwards: tuple[Rule, ...] = ()
    later: tuple[Rule, ...] = ()


def chosen(rules: Sequence[Rule], tags: Mapping[str, str]) -> Chosen:
    """The first rule that holds and acts, and all that hold and forward; after `ignore` nothing is looked at."""
    acting: list[Rule] = []
    forwards: list[Rule] = []
    for rule in rules:
        if not holds(rule.when, tags):
            continue
        if rule.then == "ignore":
            break
        if rule.then == "forward":
            forwards.append(rule)
        else:
            acting.append(rule)
    return Chosen(acting[0] if acting else None, tuple(forwards), tuple(acting[1:]))


def wait_s(routing: Routing, attempts: int) -> float:
    """Seconds until the next attempt after so many that failed: retry·2ⁿ⁻¹, bounded."""
    return float(min(routing.longest_s, routing.retry_s * 2 ** max(0, min(attempts, 32) - 1)))


def destination(routing: Routing, name: str) -> Destination:
    """The destination of that name. Raises InputError."""
    for found in routing.destinations:
        if found.name == name:
            return found
    known = ", ".join(d.name for d in routing.destinations) or "none"
    raise InputError(f"no destination {name!r}", where="the node's configuration", remedy=f"it names {known}")


def peer(routing: Routing, name: str) -> Peer:
    """The peer or destination of that name or title. Raises InputError."""
    everyone = (*routing.peers, *(d.peer for d in routing.destinations if d.peer.host))
    for found in everyone:
        if name in (found.name, found.aet):
            return found
    known = ", ".join(p.name for p in everyone) or "none"
    raise InputError(f"no peer {name!r}", where="the node's configuration", remedy=f"it names {known}")
