"""A short line before what takes long: each who waits holds one of the service's threads, and without any nobody else is answered."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from fastapi import HTTPException


@contextmanager
def standing_in(line: BoundedSemaphore) -> Iterator[None]:
    """A place in a line for as long as the block runs. Raises HTTPException 429 when it is full."""
    if not line.acquire(blocking=False):
        raise HTTPException(429, "too many ask for this at once", headers={"Retry-After": "5"})
    try:
        yield
    finally:
        line.release()
