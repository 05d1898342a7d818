"""From "module:name" to the function, and to the digest of the code that it runs."""

import hashlib
from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from gemel.core.errors import InputError
from gemel.store.environment import code_digest, environment

Function = Callable[[Mapping[str, Any], np.random.Generator], Mapping[str, Any]]


def function_of(name: str) -> Function:
    """The function. Raises InputError, with the import's own words, when there is none."""
    module, _, attribute = name.partition(":")
    try:
        found = getattr(import_module(module), attribute)
    except (ImportError, AttributeError, ValueError, TypeError, SyntaxError) as error:
        raise InputError(f"no function {name} ({error})", where="cohort", remedy=_remedy(module)) from error
    if not callable(found):
        raise InputError(f"{name}, a {type(found).__name__}", where="cohort", remedy="name a function")
    return found  # type: ignore[no-any-return]


@lru_cache(maxsize=1)
def environment_digest() -> str:
    """SHA-256 of the versions and the code of gemel in this process, as the record's events name it."""
    return hashlib.sha256(environment()).hexdigest()


@lru_cache(maxsize=256)
def code_of(name: str) -> str:
    """Digest of the environment and, for a function that is not gemel's, of the package it lies in. Raises InputError without one."""
    module = name.partition(":")[0]
    top = module.partition(".")[0]
    if top == "gemel":
        return environment_digest()
    return hashlib.sha256(f"{environment_digest()}\n{_package_digest(top)}".encode()).hexdigest()


@lru_cache(maxsize=64)
def _package_digest(top: str) -> str:
    """SHA-256 of a package's files, or of the file of a single module, found without running it."""
    try:
        spec = find_spec(top)
    except (ImportError, ValueError):
        spec = None
    if spec is None or not (spec.submodule_search_locations or spec.origin):
        raise InputError(f"no module {top}", where="cohort", remedy=_remedy(top))
    if spec.submodule_search_locations:
        return hashlib.sha256("".join(code_digest(Path(folder)) for folder in spec.submodule_search_locations).encode()).hexdigest()
    path = Path(str(spec.origin))
    return hashlib.sha256(path.read_bytes() if path.is_file() else top.encode()).hexdigest()


def _remedy(module: str) -> str:
    return f"install {module.partition('.')[0]} where the workers run, or correct the name; it is written package.module:name"
