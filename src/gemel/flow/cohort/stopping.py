"""Being told to stop: between tasks at once, within a task by an interruption that no `except Exception` swallows."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


class Interrupted(BaseException):
    """Raised in the middle of a task by a worker that was told to stop."""


@dataclass(frozen=True)
class Stop:
    """Whether a worker was told to stop. Plain flags: a signal may come while any lock is held."""

    flags: dict[str, bool] = field(default_factory=lambda: {"asked": False, "computing": False})

    @property
    def asked(self) -> bool:
        """True once it was told."""
        return self.flags["asked"]

    def ask(self, *_: object) -> None:
        """Tells it; a signal handler. Raises Interrupted within a task."""
        self.flags["asked"] = True
        if self.flags["computing"]:
            self.flags["computing"] = False
            raise Interrupted

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """A block that being told to stop interrupts."""
        self.flags["computing"] = True
        try:
            yield
        finally:
            self.flags["computing"] = False

    def wait(self, seconds: float) -> None:
        """Sleeps."""
        time.sleep(seconds)


@contextmanager
def on_signal(stop: Stop, *signals: signal.Signals) -> Iterator[None]:
    """Signals tell it to stop in this block, as Slurm and Kubernetes do before they kill (SIGTERM)."""
    before = {number: signal.signal(number, stop.ask) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
