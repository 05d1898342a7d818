"""Answers about decisions, and about where they came from."""

from dataclasses import dataclass


@dataclass(frozen=True)
class OptionRow:
    """A plan as judged: utility with its spread, how often it is the best, and the probability of each limit."""

    name: str
    utility: float | None
    utility_sd: float | None
    p_best: float | None
    p_limits: dict[str, float | None]
    feasible: bool


@dataclass(frozen=True)
class LimitRow:
    """A limit, and the probability with which it must be met."""

    label: str
    probability: float


@dataclass(frozen=True)
class SpreadRow:
    """Median and 90 % interval of a readout."""

    unit: str
    median: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class FrontRow:
    """An option between two aims."""

    name: str
    x: float | None
    y: float | None


@dataclass(frozen=True)
class GivenPlan:
    """What a person gave on the decision."""

    plan: str
    actor: str
    note: str
    at: str


@dataclass(frozen=True)
class DeviationRow:
    """A readout outside its forecast, and the likeliest cause."""

    readout: str
    probability: float | None
    cause: str
    shares: dict[str, float | None]


@dataclass(frozen=True)
class DecisionAnswer:
    """The newest decision that counts."""

    version: int
    at: str
    made_by: str
    recommended: str
    baseline: str
    reason: str
    unit: str
    options: list[OptionRow]
    limits: list[LimitRow]
    readouts: dict[str, dict[str, SpreadRow]]
    front: list[FrontRow]
    front_labels: list[str]
    given: GivenPlan | None
    deviations: list[DeviationRow]


@dataclass(frozen=True)
class Plans:
    """Names that `act` accepts."""

    plans: list[str]


@dataclass(frozen=True)
class NodeRow:
    """An event (`version` from 1), the files it was read from, or what it made."""

    id: str
    kind: str
    label: str
    at: str
    tainted: bool
    version: int


@dataclass(frozen=True)
class Graph:
    """Nodes in order of the record; edges [from, to]: the second rests on the first."""

    nodes: list[NodeRow]
    edges: list[list[str]]
