"""NAME=VALUE options as mappings."""

import json
from typing import Any

import numpy as np

from gemel.core.errors import InputError
from gemel.core.image import Array


def numbers(pairs: list[str] | None) -> dict[str, Array]:
    """`NAME=X,Y,Z` options as arrays. Raises InputError for one that is not so written."""
    found = {}
    for pair in pairs or []:
        name, sign, value = pair.partition("=")
        try:
            numbers = [float(part) for part in value.split(",")]
        except ValueError:
            sign = ""
        if not sign:
            raise InputError(f"--left {pair}", remedy="write it as --left NAME=VALUE or NAME=X,Y,Z")
        found[name] = np.array(numbers if len(numbers) > 1 else numbers[0])
    return found


def names_of(pairs: list[str] | None) -> dict[str, str]:
    """`OWN=NAME` options as a mapping. Raises InputError for one without an equals sign."""
    split = [pair.partition("=") for pair in pairs or []]
    wrong = [own for own, sign, _ in split if not sign]
    if wrong:
        raise InputError(f"--map {wrong[0]}", remedy="write it as --map OWN=NAME")
    return {own: name for own, _, name in split}


def settings(pairs: list[str] | None) -> dict[str, Any]:
    """`NAME=VALUE` options: numbers, true, false and lists as JSON writes them, all else as text. Raises InputError without a sign."""
    found: dict[str, Any] = {}
    for pair in pairs or []:
        name, sign, value = pair.partition("=")
        if not sign:
            raise InputError(f"--set {pair}", remedy="write it as --set NAME=VALUE")
        try:
            found[name] = json.loads(value)
        except json.JSONDecodeError:
            found[name] = value
    return found
