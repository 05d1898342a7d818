"""What is said between the service and a child process: an order, and what becomes of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gemel.core.errors import GemelError
from gemel.core.system import Progress
from gemel.store import Store


@dataclass(frozen=True)
class Order:
    """One piece of work: the name of a function in the child's table, and its arguments as JSON has them."""

    function: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Begun:
    """The child has the order: from here on it is not given to another one."""


@dataclass(frozen=True)
class Told:
    """How far it is."""

    what: str
    done: int
    total: int


@dataclass(frozen=True)
class Done:
    """What the function returned."""

    value: Any


@dataclass(frozen=True)
class Failed:
    """Why nothing was returned."""

    error: GemelError


@dataclass(frozen=True)
class Place:
    """Where a child works: address of the record, folder of the service, its table of functions, `module:NAME`, and how far it gives way
    to other processes (nice(2))."""

    store: str
    folder: str
    table: str
    nice: int = 0


@dataclass(frozen=True)
class Bench:
    """What a function of a table is handed: the record, open; the service's folder; whom to tell how far it is; and a memory for what is
    slow to make again, which lasts as long as the process."""

    store: Store
    folder: str
    progress: Progress
    memory: dict[str, Any] = field(default_factory=dict)
