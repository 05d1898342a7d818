"""One thread for each task: workers share the cores, and sums of arrays are added in one order wherever they are computed."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

import numba
from threadpoolctl import ThreadpoolController

ENVIRONMENT = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")}


@contextmanager
def one_thread() -> Iterator[None]:
    """BLAS, OpenMP and numba work with one thread in this block; libraries loaded within it are not reached, so import first."""
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        with _libraries(len(sys.modules)).limit(limits=1):
            yield
    finally:
        numba.set_num_threads(before)


@lru_cache(maxsize=1)
def _libraries(modules: int) -> ThreadpoolController:
    """The loaded libraries that have threads: looked for again (milliseconds) when more modules have been imported."""
    return ThreadpoolController()
