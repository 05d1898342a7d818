"""Answers about plans, and about where results came from; a decision is answered as `flow.options.Comparison`."""

from dataclasses import dataclass


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
