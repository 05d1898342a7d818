"""The systems that are installed, found by their entry points, so that a site's own package can add one."""

from importlib.metadata import entry_points

from gemel.core.errors import ConformanceError, InputError
from gemel.core.system import System

GROUP = "gemel.systems"


def systems() -> tuple[str, ...]:
    """Names of the installed systems."""
    return tuple(sorted({point.name for point in entry_points(group=GROUP)}))


def system(name: str) -> System:
    """The system of that name. Raises InputError when it is not installed, ConformanceError when it cannot be loaded or is not a System."""
    points = [point for point in entry_points(group=GROUP) if point.name == name]
    if not points:
        raise InputError(f"no system {name!r}", remedy=f"installed are {', '.join(systems()) or 'none'}")
    try:
        loaded = points[0].load()
    except Exception as error:  # a plug-in's code may raise anything: its own fault, and named as such
        found = f"an entry point that cannot be loaded ({type(error).__name__}: {error})"
        raise ConformanceError(found, where=name, remedy="mend or uninstall the package that adds it") from error
    if not isinstance(loaded, System):
        raise ConformanceError(f"an entry point that is a {type(loaded).__name__}", where=name, remedy="export a gemel.core.system.System")
    return loaded
