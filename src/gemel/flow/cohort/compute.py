"""One task computed: its function called with its own generator, its result made fit to keep, its failure put into words."""

import json
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass

from gemel.core.errors import GemelError, InputError
from gemel.flow.cohort.functions import function_of
from gemel.flow.cohort.keeping import keep
from gemel.flow.cohort.task import Task
from gemel.flow.cohort.threads import one_thread
from gemel.store.artefacts import Artefacts
from gemel.store.queue import Finished, Leased

LONGEST_ERROR = 2000


def task_of(leased: Leased) -> Task:
    """The task of a queue's row. Raises InputError when the code here is not that which named it."""
    task = Task(**json.loads(leased.body))
    if task.name != leased.name:
        remedy = "run the cohort again with this code, or this worker with that code"
        raise InputError(f"{task.function} whose code changed since the task was put", where=f"task {leased.name[:12]}", remedy=remedy)
    return task


@dataclass(frozen=True)
class Attempt:
    """What a task's function returned in how many seconds, or what it raised, in words."""

    seconds: float
    given: object = None
    error: str = ""


def attempted(leased: Leased) -> Attempt:
    """A task's function called. Never raises for what the function does; InputError when the code is not that of the task."""
    task = task_of(leased)
    began_s = time.perf_counter()
    try:
        given = called(task)
    except Exception as error:  # noqa: BLE001 a task may raise anything; the others go on and the cause is kept
        return Attempt(time.perf_counter() - began_s, error=words(error))
    return Attempt(time.perf_counter() - began_s, given)


def attempted_all(batch: Sequence[Leased]) -> list[Attempt]:
    """Several tasks' functions called, one after the other."""
    return [attempted(leased) for leased in batch]


def settled(leased: Leased, attempt: Attempt, artefacts: Artefacts) -> Finished:
    """The end of a task: its result made fit to keep, or its error."""
    if attempt.error:
        return Finished(leased, attempt.seconds, error=attempt.error)
    try:
        text, arrays = keep(attempt.given, json.loads(leased.body)["function"], artefacts)
    except InputError as error:
        return Finished(leased, attempt.seconds, error=words(error))
    return Finished(leased, attempt.seconds, text, arrays)


def called(task: Task) -> object:
    """What the function returns, on one thread. Raises InputError when there is no such function."""
    function = function_of(task.function)
    with one_thread():
        return function(json.loads(task.body)["inputs"], task.rng)


def words(error: BaseException) -> str:
    """The last line of a traceback, where it came from, and the causes behind it."""
    found: list[str] = []
    seen: BaseException | None = error
    while seen is not None and len(found) < 4:
        found.append(f"{type(seen).__name__}: {seen}{_place(seen)}")
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
    return "; because of ".join(found)[:LONGEST_ERROR]


def _place(error: BaseException) -> str:
    """Where a Python error was raised; errors made for people say so themselves."""
    frames = traceback.extract_tb(error.__traceback__)
    if isinstance(error, GemelError) or not frames:
        return ""
    return f" ({frames[-1].filename.rpartition('/')[2]}, line {frames[-1].lineno}, in {frames[-1].name})"
