"""Which verbs there are, and what each must be told: the one list of what may be done over the network."""

from collections.abc import Mapping
from typing import Any

from gemel.core.errors import InputError

WANTS: Mapping[str, tuple[str, ...]] = {
    "new": ("system",),
    "prepare": ("twin",),
    "observe": ("twin", "series"),
    "hear": ("twin", "said"),
    "decide": ("twin",),
    "adapt": ("twin",),
    "act": ("twin", "plan"),
    "retract": ("twin", "event", "reason"),
    "recompute": ("twin",),
    "report": ("twin",),
}
PRIOR = "prior"
"""An option of `new` that is a file's name at the terminal (`flow.promote`): over the network no name of a file is taken."""
SERIES, FILES = "series", "files"
"""Arguments that name series of the archive, by kind of input, and what they become: folders in which their objects lie."""


def require_known(verb: str, arguments: Mapping[str, Any]) -> None:
    """Raises InputError for a verb that there is none of, or one that is not told what it must be."""
    if verb not in WANTS:
        raise InputError(f"no verb {verb!r}", where="jobs", remedy=f"choose from {', '.join(WANTS)}")
    options = arguments.get("options")
    if isinstance(options, Mapping) and isinstance(options.get(PRIOR), str):
        raise InputError("a prior named by its file", where=verb, remedy="give such a file at the terminal: gemel twin new")
    missing = [name for name in WANTS[verb] if arguments.get(name) in (None, "")]
    if missing:
        raise InputError(f"no {missing[0]}", where=verb, remedy=f"state {', '.join(WANTS[verb])}")
