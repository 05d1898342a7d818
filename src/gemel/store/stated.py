"""What may be stated: refused before anything is written what a database would keep as something else, or not at all."""

import math
import re
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

from gemel.core.errors import InputError

MOMENT = "pass seconds since the epoch, a finite number"
UNKEPT = re.compile(r"[\0\ud800-\udfff]")  # NUL: PostgreSQL 15, §8.3; surrogates: RFC 3629, §3


def require_fields(stated: Mapping[str, Any]) -> None:
    """Raises InputError for a twin without a name, text that is none, a payload that is no mapping, a seed that is no whole number."""
    for name in ("twin", "kind", "actor", "environment"):
        require_text(name, stated[name])
    if not stated["twin"]:
        raise InputError("an empty twin", where="append", remedy="name the twin")
    if not isinstance(stated["payload"], Mapping):
        raise InputError(f"a {type(stated['payload']).__name__} for a payload", where="append", remedy="pass a mapping of names to values")
    seed = stated["seed"]
    if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int)):
        raise InputError(f"seed = {seed!r}", where="append", remedy="pass a whole number, or None")


def require_text(name: str, text: object) -> str:
    """The text. Raises InputError for what is not text, and for NUL and lone surrogates, which not every database keeps."""
    if not isinstance(text, str):
        raise InputError(f"{name} = {text!r}", where="the record", remedy="pass text")
    if UNKEPT.search(text):
        raise InputError(f"{name} = {text!r}", where="the record", remedy="leave out NUL and lone surrogates")
    return text


def require_values(values: Sequence[object]) -> tuple[object, ...]:
    """Values of a statement, each text among them one that every database takes: half a message would leave a server out of step."""
    return tuple(require_text("text", value) if isinstance(value, str) else value for value in values)


def moment(name: str, t_s: object) -> float:
    """The time. Raises InputError for what is not a finite number."""
    if not isinstance(t_s, Real) or not math.isfinite(t_s):
        raise InputError(f"{name} = {t_s!r}", where="append", remedy=MOMENT)
    return float(t_s)


def limit(name: str, t_s: object) -> float | None:
    """The time up to which is asked; None for all. Raises InputError for what is not a number: a database would compare it somehow."""
    if t_s is None:
        return None
    if not isinstance(t_s, Real) or math.isnan(t_s):
        raise InputError(f"{name} = {t_s!r}", where="events", remedy=MOMENT)
    return float(t_s)
