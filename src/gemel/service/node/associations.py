"""Who is connected, from where, and who has to go when there is no more room: never a newcomer for the sake of the idle."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from gemel.service.node.front_limits import Limits


@runtime_checkable
class Line(Protocol):
    """One connection, as the register sees it."""

    host: str

    @property
    def idle(self) -> bool:
        """True when nothing is on its way in either direction."""
        ...

    @property
    def settled(self) -> bool:
        """True when nothing came for a while: it is not just about to speak."""
        ...

    @property
    def slow(self) -> bool:
        """True when it is in the middle of a message and sends less than is asked of it."""
        ...

    def cut(self, words: str) -> None:
        """Ends it."""
        ...


@dataclass
class Register:
    """Connections by the order of their last sign of life, the oldest first: waiting for an association, or having one."""

    limits: Limits
    waiting: dict[Line, None] = field(default_factory=dict)
    associated: dict[Line, None] = field(default_factory=dict)
    waiting_of: Counter[str] = field(default_factory=Counter)
    associated_of: Counter[str] = field(default_factory=Counter)


def arrive(register: Register, line: Line) -> None:
    """A new connection. Where there are too many, the one of the same peer, or of all, that has waited longest goes."""
    limits, of = register.limits, register.waiting_of
    if of[line.host] >= limits.waiting_per_peer:
        _cut_first(register.waiting, line.host)
    elif len(register.waiting) >= limits.waiting:
        _cut_first(register.waiting, max(of, key=lambda host: of[host]))
    register.waiting[line] = None
    of[line.host] += 1


def associate(register: Register, line: Line) -> bool:
    """Room for an association, made by ending the one that has been idle longest, or else a slow one; False when all are at work."""
    limits = register.limits
    if register.associated_of[line.host] >= limits.associations_per_peer:
        gone = _cut_first(register.associated, line.host)
    else:
        gone = len(register.associated) < limits.associations or _cut_first(register.associated, "")
    if gone:
        _remove(register.waiting, register.waiting_of, line)
        register.associated[line] = None
        register.associated_of[line.host] += 1
    return gone


def touch(register: Register, line: Line) -> None:
    """An association that has just been of use goes to the end of the row."""
    if line in register.associated:
        del register.associated[line]
        register.associated[line] = None


def leave(register: Register, line: Line) -> None:
    """A connection that has ended; one that has left already is no error."""
    _remove(register.waiting, register.waiting_of, line)
    _remove(register.associated, register.associated_of, line)


def _remove(table: dict[Line, None], count: Counter[str], line: Line) -> None:
    if line in table:
        del table[line]
        count[line.host] -= 1
        if not count[line.host]:
            del count[line.host]


def _cut_first(table: dict[Line, None], host: str) -> bool:
    """Ends the first idle one of a host, or of any, or else a slow one; False when there is none."""
    own = [line for line in table if host in ("", line.host)]
    idle = [line for line in own if line.idle]
    line = next((line for line in idle if line.settled), None) or next(iter(idle), None) or next((line for line in own if line.slow), None)
    if line is not None:
        line.cut("to make room for another")
    return line is not None
