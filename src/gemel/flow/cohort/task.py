"""A piece of work of a cohort, named by what it computes, and what came of it."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Shaped

from gemel.core.errors import InputError, TaskError
from gemel.core.image import Array
from gemel.flow.cohort.functions import code_of
from gemel.store.event import canonical

SHOWN = 3  # causes that an error names; the rest is counted


@dataclass(frozen=True)
class Task:
    """A call of `function` ("module:name") on `inputs`, a mapping of finite JSON, with a generator of its own.

    The function takes the inputs and a generator and returns a mapping of finite JSON; arrays may stand at its top level.
    Raises InputError for inputs that are not finite JSON, a negative seed, or a name that is not written so.
    """

    function: str
    inputs: Mapping[str, Any] = field(hash=False)
    seed: int

    def __post_init__(self) -> None:
        module, sign, name = self.function.partition(":")
        if not (module and sign and name.isidentifier()) or module == "__main__":
            remedy = "write it as package.module:name; a function of a script must move to a module that workers can import"
            raise InputError(f"a function {self.function!r}", where="Task", remedy=remedy)
        if self.seed < 0:
            raise InputError(f"seed {self.seed}", where="Task", remedy="pass a whole number from 0")
        canonical(self.inputs, "Task.inputs")

    @cached_property
    def body(self) -> str:
        """Canonical JSON of function, inputs and seed."""
        return canonical({"function": self.function, "inputs": self.inputs, "seed": self.seed})

    @cached_property
    def name(self) -> str:
        """SHA-256 (FIPS 180-4) of the body and of the code that will compute it: another code makes another task."""
        return hashlib.sha256(f"{code_of(self.function)}\n{self.body}".encode("utf-8", "surrogatepass")).hexdigest()

    @property
    def rng(self) -> np.random.Generator:
        """The generator: of the seed and the SHA-256 of the body; so of no worker, no order, and no version of the code."""
        own = int(hashlib.sha256(self.body.encode("utf-8", "surrogatepass")).hexdigest(), 16)
        return np.random.default_rng(np.random.SeedSequence([self.seed, own]))


@dataclass(frozen=True)
class Result:
    """What a task gave: its JSON, its arrays, the seconds it took; or why there is nothing to be used, in `error`."""

    name: str
    value: Mapping[str, Any] = field(hash=False)
    arrays: Mapping[str, Shaped[Array, "..."]] = field(hash=False)
    seconds: float = field(compare=False)
    error: str = ""


def whole(results: Mapping[str, Result]) -> Mapping[str, Result]:
    """The results, when every task succeeded. Raises TaskError with the causes otherwise."""
    failed = [result for result in results.values() if result.error]
    if failed:
        remedy = "put the cause right and run again: what is done is kept in the store and not done twice"
        raise TaskError(f"{len(failed)} of {len(results)} tasks failed: {causes(failed)}", where="cohort", remedy=remedy)
    return results


def causes(failed: Iterable[Result]) -> str:
    """The first different causes in words."""
    different = list(dict.fromkeys(result.error for result in failed))
    more = f"; and {len(different) - SHOWN} more" if len(different) > SHOWN else ""
    return "; ".join(different[:SHOWN]) + more
