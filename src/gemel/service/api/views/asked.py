"""A twin as it was asked for, and answers as bytes."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from pydantic_core import to_json

from gemel.core.errors import InputError, UnknownError
from gemel.core.page import Page
from gemel.core.time import seconds
from gemel.flow.charts import page_of
from gemel.flow.session import Session, open_session
from gemel.flow.standing import standing
from gemel.service.jobs import Bench

KEPT = 2
DIGITS = 7
Told = Mapping[str, Any]


def session_of(at: Bench, told: Told) -> Session:
    """The twin at the times asked for. Raises UnknownError for one that was withdrawn or erased, InputError for a time before it."""
    name = _name("session", told)
    if name not in at.memory:
        twin = str(told["twin"])
        as_of, known_at = (seconds(str(told[key])) if told.get(key) else None for key in ("as_of", "known_at"))
        _require_there(at, twin)
        _require_begun(at, twin, as_of, known_at)
        _forget(at.memory, "session")
        at.memory[name] = open_session(at.store, twin, as_of_s=as_of, known_at_s=known_at)
    found: Session = at.memory[name]
    return found


def page_for(at: Bench, told: Told) -> Page:
    """What the twin's system shows of it."""
    name = _name("page", told)
    if name not in at.memory:
        session = session_of(at, told)
        _forget(at.memory, "page")
        at.memory[name] = page_of(session)
    found: Page = at.memory[name]
    return found


def encoded(value: Any) -> bytes:
    """JSON of dataclasses; what is not finite becomes null."""
    return to_json(value, inf_nan_mode="null")


def numbers(values: Iterable[Any]) -> list[float | None]:
    """Numbers to DIGITS figures; null for what is not finite."""
    array = np.asarray(values, dtype=np.float64).ravel()
    return [float(f"{value:.{DIGITS}g}") if np.isfinite(value) else None for value in array]


def _name(what: str, told: Told) -> str:
    return f"{what} {told['twin']} {told.get('stamp', '')} {told.get('as_of', '')} {told.get('known_at', '')}"


def _forget(memory: dict[str, Any], what: str) -> None:
    """Of each kind the newest KEPT are held."""
    for name in [name for name in memory if name.startswith(f"{what} ")][: -KEPT + 1 or None]:
        del memory[name]


def _require_there(at: Bench, twin: str) -> None:
    history = tuple(at.store.events(twin))
    begun = [e for e in standing(history, at.store.tainted()) if e.kind == "Ingested" and "system" in e.payload]
    gone = {name for e in history if e.kind == "Erased" for name in e.payload["artefacts"]}
    if not begun or begun[0].payload["case"] in gone:
        found = f"no twin {twin!r} that counts"
        raise UnknownError(found, where="the record", remedy="it was withdrawn or erased, or was never one; its events are kept")


def _require_begun(at: Bench, twin: str, as_of: float | None, known_at: float | None) -> None:
    """Raises InputError for a time before the twin; it names no other twin, which may be none of the caller's business."""
    if not any(e.kind == "Ingested" for e in at.store.events(twin, as_of, known_at)):
        raise InputError("nothing of this twin at that time", where=twin, remedy="name a time after its first event")
