"""Guessing is slow: after some wrong passwords each further one waits twice as long, by account and by address apart.

An address is given more than an account: many people may come from one (a proxy, a ward). A right password forgets the wrong ones of its
account and no others: whoever guesses has an account too.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

FREE, FREE_OF_PEER = 5, 50
LONGEST_S = 900.0
FORGOTTEN_S = 3600.0
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
    free: int = FREE
    tried: "OrderedDict[str, Tried]" = field(default_factory=OrderedDict)
    turn: Lock = field(default_factory=Lock)

    def wait_s(self, key: str) -> float:
        """How long the next try must wait, s."""
        with self.turn:
            return max(0.0, self.tried[key].until_s - self.clock()) if key in self.tried else 0.0

    def wrong(self, key: str) -> None:
        """A wrong try: some are free, then 1, 2, 4, … s, at most 15 min; those before an hour without any count no more."""
        now = self.clock()
        with self.turn:
            found = self.tried.setdefault(key, Tried())
            self.tried.move_to_end(key)
            found.wrong = 1 if now - found.until_s > FORGOTTEN_S else found.wrong + 1
            over = found.wrong - self.free
            found.until_s = now + (min(2.0 ** min(over, 20), LONGEST_S) if over >= 0 else 0.0)
            while len(self.tried) > MOST_KEPT:
                self.tried.popitem(last=False)

    def right(self, key: str) -> None:
        """A right try forgets the wrong ones."""
        with self.turn:
            self.tried.pop(key, None)
