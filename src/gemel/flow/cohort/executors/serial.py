"""One task after the other in this process."""

from collections.abc import Callable

from gemel.flow.cohort.stopping import Stop
from gemel.flow.cohort.worker import Patience, claim_of, work
from gemel.store import Store


def serial(store: Store, name: str, workers: int, told: Callable[[], None]) -> None:
    """Does the tasks of a queue; the number of workers is one whatever is asked."""
    work(store, claim_of(name), Patience(), Stop(), told=told)
