"""What the workbench's page holds of others: the packages of the list of licences that its build writes beside it."""

import re
from pathlib import Path

from supply.closure import PROJECT, Package

THIRD_PARTY = PROJECT.parent / "src/gemel/service/page/built/third_party.md"
HEAD = re.compile(r"^## (?P<name>\S+) - (?P<version>\S+)(?: \((?P<licence>.+)\))?$", re.MULTILINE)


def bundled(listing: Path = THIRD_PARTY) -> list[Package]:
    """The npm packages whose code is in the page. Raises LookupError before the page is built."""
    if not listing.is_file():
        raise LookupError("the page is not built, so what it holds is not known: make workbench")
    found = HEAD.finditer(listing.read_text(encoding="utf-8"))
    return [Package(row["name"], row["version"], row["licence"] or "", (), "npm") for row in found]


def texts(listing: Path = THIRD_PARTY) -> dict[str, str]:
    """The text of the licence of each of them."""
    parts = re.split(r"^(?=## )", listing.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return {part.split(" - ")[0].removeprefix("## "): part.partition("\n")[2].strip() for part in parts}
