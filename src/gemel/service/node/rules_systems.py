"""Whether the systems that a configuration names are installed; by their entry points alone, none of them is loaded."""

from collections.abc import Iterable
from difflib import get_close_matches
from importlib.metadata import entry_points

from gemel.core.errors import InputError
from gemel.service.node.rules import Routing

GROUP = "gemel.systems"


def require_installed(routing: Routing, where: str) -> None:
    """Raises InputError for a rule or a destination that names a system which is not installed."""
    for what, named in _named(routing):
        if named and named not in (known := sorted({point.name for point in entry_points(group=GROUP)})):
            near = get_close_matches(named, known, 1)
            remedy = f"did you mean {near[0]}?" if near else f"installed are {', '.join(known)}"
            raise InputError(f"{what} names a system {named!r} that is not installed", where=where, remedy=remedy)


def _named(routing: Routing) -> Iterable[tuple[str, str]]:
    yield from ((f"rule {rule.name!r}", rule.system) for rule in routing.rules)
    yield from ((f"destination {to.name!r}", system) for to in routing.destinations for system in to.systems)
