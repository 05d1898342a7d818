"""The file that `gemel serve --config` reads: TOML into settings; a word that is not known is refused with the nearest that is."""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, fields, replace
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from gemel.core.errors import InputError
from gemel.service.settings import Limits, Oidc, SessionTimes, Settings

T = TypeVar("T")
OURS = ("names", "oidc", "sessions", "limits")
OF_THE_NODE = ("rule", "destination", "peer", "node")
"""Sections that the node reads itself."""


def configured(settings: Settings) -> Settings:
    """The settings with what their file says. Raises InputError for what it cannot say."""
    if settings.config is None:
        return settings
    where = str(settings.config)
    try:
        table = tomllib.loads(settings.config.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"a configuration that cannot be read: {error}", where=where, remedy="correct the TOML") from error
    require_known(table, (*OURS, *OF_THE_NODE), where)
    return replace(
        settings,
        names=(*settings.names, *_texts(table.get("names", []), f"{where}: names")),
        oidc=_section(Oidc, table["oidc"], f"{where}: [oidc]") if "oidc" in table else None,
        sessions=_section(SessionTimes, table.get("sessions", {}), f"{where}: [sessions]"),
        limits=_section(Limits, table.get("limits", {}), f"{where}: [limits]"),
    )


def require_known(table: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    """Raises InputError for a word that is not known."""
    strange = [word for word in table if word not in known]
    if strange:
        near = get_close_matches(strange[0], known, 1)
        remedy = f"did you mean {near[0]}?" if near else f"choose of {', '.join(known)}"
        raise InputError(f"the word {strange[0]!r}", where=where, remedy=remedy)


def _section(kind: type[T], table: Any, where: str) -> T:
    """A section as its dataclass."""
    if not isinstance(table, Mapping):
        raise InputError("a value where a section belongs", where=where, remedy="write it as a table")
    asked = {field.name: field for field in fields(kind)}  # type: ignore[arg-type]
    require_known(table, tuple(asked), where)
    try:
        return kind(**{name: _value(str(asked[name].type), value, f"{where} {name}") for name, value in table.items()})
    except TypeError as error:
        missing = [name for name, field in asked.items() if name not in table and field.default is field.default_factory is MISSING]
        raise InputError("a section that is not whole", where=where, remedy=f"add {', '.join(missing)}") from error


def _value(kind: str, value: Any, where: str) -> Any:
    """A value of the kind that a field has. Raises InputError."""
    if "Mapping" in kind and isinstance(value, Mapping):
        return MappingProxyType({str(name): str(text) for name, text in value.items()})
    if "tuple" in kind:
        return tuple(_texts(value, where))
    if "Path" in kind and isinstance(value, str):
        return Path(value)
    if "int" in kind or "float" in kind:
        wanted, words = (int, "a whole number") if "int" in kind else (int | float, "a number")
        if not isinstance(value, wanted) or isinstance(value, bool) or not 0 < value < math.inf:
            raise InputError(f"{value!r}", where=where, remedy=f"write {words} above 0")
    elif not isinstance(value, str):
        raise InputError(f"{value!r}", where=where, remedy="write a text in quotes")
    return float(value) if "float" in kind else value


def _texts(value: Any, where: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise InputError(f"{value!r}", where=where, remedy='write a list of texts: ["one", "two"]')
    return value
