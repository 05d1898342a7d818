"""The names of structures that this system knows, and their aliases."""

import json
import re
from functools import cache
from importlib.resources import files

from gemel.core.errors import StructureError


@cache
def aliases() -> dict[str, str]:
    """Every known name in normal form -> the system's name."""
    table = json.loads(files(__package__).joinpath("names.json").read_text())["structures"]
    return {alias: name for name, row in table.items() for alias in (name, *row["aliases"])}


@cache
def required() -> tuple[str, ...]:
    """The structures without which there is no twin."""
    table = json.loads(files(__package__).joinpath("names.json").read_text())["structures"]
    return tuple(name for name, row in table.items() if row["required"])


def canonical(name: str) -> str:
    """The system's name of a structure. Raises StructureError, which lists the known names, when there is none."""
    normal = re.sub(r"[\s.\-]+", "_", name.strip()).upper()
    if normal not in aliases():
        known = ", ".join(sorted(set(aliases().values())))
        found = f"a structure named {name!r}, which is none of {known}"
        raise StructureError(found, where="names", remedy=f"say which it is with --map {name}=NAME")
    return aliases()[normal]
