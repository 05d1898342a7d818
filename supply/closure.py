"""What `pip install gemel` brings with it: the packages that pyproject.toml names, and what they need, as they are installed here."""

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = Path(__file__).resolve().parents[1] / "pyproject.toml"


@dataclass(frozen=True)
class Package:
    """A package with its licence as it states it, the names of those that it needs, and where it comes from: pypi or npm."""

    name: str
    version: str
    licence: str
    needs: tuple[str, ...]
    kind: str = "pypi"


def closure(project: Path = PROJECT) -> list[Package]:
    """gemel and all that it needs without its extras, by name. Raises LookupError for one that is not installed."""
    table = tomllib.loads(project.read_text(encoding="utf-8"))["project"]
    waiting = needed(table["dependencies"], frozenset())
    found = {table["name"]: Package(table["name"], table["version"], table["license"], _names(waiting))}
    while waiting:
        name, extras = waiting.pop()
        held = installed(name)
        wanted = needed(held.requires or (), extras)
        known = found.get(name)
        if known is None or set(known.needs) < {one for one, _ in wanted}:
            found[name] = Package(name, held.version, licence(held), _names(wanted))
            waiting += wanted
    return [found[name] for name in sorted(found)]


def installed(name: str) -> Distribution:
    """A package as it is installed. Raises LookupError."""
    try:
        return distribution(name)
    except PackageNotFoundError as error:
        raise LookupError(f"{name} is needed and not installed: run make test once") from error


def needed(requirements: Iterable[str], extras: frozenset[str]) -> list[tuple[str, frozenset[str]]]:
    """Names, with the extras asked of them, of the requirements that hold on this machine (PEP 508)."""
    found = []
    for text in requirements:
        wanted = Requirement(text)
        if wanted.marker is None or any(wanted.marker.evaluate({"extra": extra}) for extra in (extras or {""})):
            found.append((canonicalize_name(wanted.name), frozenset(wanted.extras)))
    return found


def _names(wanted: Iterable[tuple[str, frozenset[str]]]) -> tuple[str, ...]:
    return tuple(sorted({name for name, _ in wanted}))


def licence(held: Distribution) -> str:
    """The licence: its SPDX expression (PEP 639), or what its classifiers or its field say; empty when it says nothing."""
    told = held.metadata
    expression = told.get("License-Expression", "")
    classified = [text.rpartition("::")[2].strip() for text in told.get_all("Classifier", []) if text.startswith("License ::")]
    free = (told.get("License") or "").strip().splitlines()
    return expression or " AND ".join(name for name in classified if name != "OSI Approved") or (free[0][:80] if free else "")


def copyleft(text: str) -> bool:
    """Whether a licence is the GNU GPL or AGPL; one that may be chosen against (OR), and the LGPL, are not meant."""
    parts = re.split(r"\s+OR\s+", text)
    return all(re.search(r"(?<!L)\b(A?GPL|GNU (Affero )?General Public)", part.replace("Lesser General Public", "LGPL")) for part in parts)
