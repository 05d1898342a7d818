"""`[node.limits]` of the service's TOML file: how much a peer may ask of the DICOM port."""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from gemel.core.errors import InputError
from gemel.service.node.front_limits import MIB, Limits
from gemel.service.node.rules_read import Entry

SECTION = "node.limits"
WORDS: Mapping[str, str] = {"int": "a whole number", "float": "a number", "bool": "true or false"}
TYPES: Mapping[str, tuple[type, ...]] = {"int": (int,), "float": (int, float), "bool": (bool,)}
BOUNDS: Mapping[str, tuple[float, float]] = {
    "receivers": (0, 64),
    "unit_bytes": (4096, 16 * MIB),
    "object_bytes": (MIB, 1 << 40),
    "message_bytes": (65536, 1024 * MIB),
    "memory_bytes": (MIB, 1 << 40),
    "spooled_bytes": (65536, 1 << 40),
    "free_bytes": (MIB, 1 << 50),
    "artim_s": (0.1, 600),
    "idle_s": (1, 86400),
    "rate_window_s": (0.5, 3600),
}
COUNTS = (1, 65536)  # connections, associations, processes


def read_limits(config: Path | None) -> Limits:
    """What the file says, the rest as usual; without a file all as usual. Raises InputError with the line of what cannot be meant."""
    if config is None:
        return Limits()
    try:
        text = config.read_text(encoding="utf-8")
        node = tomllib.loads(text).get("node", {})
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"a configuration that cannot be read: {error}", where=str(config), remedy="correct the TOML") from error
    says = node.get("limits", {}) if isinstance(node, Mapping) else {}
    if not isinstance(says, Mapping):
        raise InputError("limits that are no table", where=str(config), remedy=f"write [{SECTION}] and below it key = value")
    return limits_of(Entry(SECTION, 0, says, str(config), text))


def limits_of(entry: Entry) -> Limits:
    """A table as limits. Raises InputError."""
    kinds = {field.name: str(getattr(field.type, "__name__", field.type)) for field in fields(Limits)}
    for key, value in entry.says.items():
        if key not in kinds:
            near = get_close_matches(key, kinds, 1)
            raise entry.refuse(f"an unknown limit {key!r}", f"did you mean {near[0]}?" if near else f"use {', '.join(kinds)}", key)
        _require(entry, key, kinds[key], value)
    given: dict[str, Any] = {key: float(value) if kinds[key] == "float" else value for key, value in entry.says.items()}
    return Limits(**given)


def _require(entry: Entry, key: str, kind: str, value: Any) -> None:
    right = isinstance(value, TYPES[kind])
    if not right or (isinstance(value, bool) and kind != "bool"):
        raise entry.refuse(f"{key} = {value!r}", f"give {WORDS[kind]}", key)
    low, high = BOUNDS.get(key, COUNTS if kind == "int" else (0.001, 1e9))
    if kind != "bool" and not (math.isfinite(value) and low <= value <= high):
        raise entry.refuse(f"{key} = {value}", f"give {WORDS[kind]} from {low:.10g} to {high:.10g}", key)
