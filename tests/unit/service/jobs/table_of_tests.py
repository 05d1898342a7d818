"""Functions that a child of a test carries out."""

import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gemel.core.errors import InputError
from gemel.service.jobs.child import Table
from gemel.service.jobs.order import Bench


def count(at: Bench, told: Mapping[str, Any]) -> dict[str, int | str]:
    """Tells how far it is, and ends with the process that did it."""
    for done in range(3):
        at.progress("steps", done, 3)
    return {"pid": os.getpid(), "twin": str(told.get("twin", "")), "actor": str(told.get("actor", ""))}


def wait(at: Bench, told: Mapping[str, Any]) -> dict[str, int | str]:
    """Says that it began, in a file, and goes on until it is killed."""
    Path(at.folder, "began").write_text(str(os.getpid()))
    at.progress("waiting", 1, 2)
    time.sleep(60)
    return {}


def refuse(at: Bench, told: Mapping[str, Any]) -> dict[str, int | str]:
    """An error that tells what to do."""
    raise InputError("nothing of use", where="here", remedy="give another")


def break_down(at: Bench, told: Mapping[str, Any]) -> dict[str, int | str]:
    """A fault of the program."""
    raise ZeroDivisionError("secret")


def die_once(at: Bench, told: Mapping[str, Any]) -> dict[str, int | str]:
    """Killed at its work, the first time."""
    tried = Path(at.folder, "tried")
    if not tried.exists():
        tried.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return {"pid": os.getpid()}


def die(at: Bench, told: Mapping[str, Any]) -> dict[str, int | str]:
    """Killed at its work, each time."""
    os.kill(os.getpid(), signal.SIGKILL)
    return {}


TABLE: Table = {
    "die_once": die_once,
    "die": die,
    "count": count,
    "decide": count,
    "recompute": wait,
    "wait": wait,
    "refuse": refuse,
    "act": refuse,
    "break_down": break_down,
    "new": count,
}
