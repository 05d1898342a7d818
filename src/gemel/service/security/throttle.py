"""Guessing is slow: after a few wrong passwords each further one waits twice as long, by account and by address apart."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

FREE = 5
LONGEST_S = 900.0
MOST_KEPT = 10_000


@dataclass
class Tried:
    """Wrong tries in a row, and the time before which the next is not looked at."""

    wrong: int = 0
    until_s: float = 0.0


@dataclass(frozen=True)
class Throttle:
    """Who tried how often; the oldest are forgotten first, so that a flood of names does not fill the memory."""

    clock: Callable[[], float] = time.monotonic
    tried: "OrderedDict[str, Tried]" = field(default_factory=OrderedDict)
    turn: Lock = field(default_factory=Lock)

    def wait_s(self, *keys: str) -> float:
        """How long the next try must wait, s."""
        now = self.clock()
        with self.turn:
            return max([0.0, *(self.tried[key].until_s - now for key in keys if key in self.tried)])

    def wrong(self, *keys: str) -> None:
        """A wrong try: 5 are free, then 1, 2, 4, … s, at most 15 min."""
        with self.turn:
            for key in keys:
                found = self.tried.setdefault(key, Tried())
                self.tried.move_to_end(key)
                found.wrong += 1
                over = found.wrong - FREE
                found.until_s = self.clock() + (min(2.0 ** min(over, 20), LONGEST_S) if over >= 0 else 0.0)
            while len(self.tried) > MOST_KEPT:
                self.tried.popitem(last=False)

    def right(self, *keys: str) -> None:
        """A right try forgets the wrong ones."""
        with self.turn:
            for key in keys:
                self.tried.pop(key, None)
