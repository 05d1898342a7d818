"""A transaction: every statement weighed by every twin that takes it, then given to them as jobs; nothing where one is refused."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from gemel.core.errors import ConflictError, InputError
from gemel.io.fhir.bundle import outcome
from gemel.io.fhir.checked import Resource
from gemel.io.fhir.inbound import Inbound
from gemel.io.fhir.statements import Statement
from gemel.service.api.asked import reading_of
from gemel.service.api.newest import looked, stamp
from gemel.service.api.subjects import subjects_of
from gemel.service.api.twins import rows_of
from gemel.service.fhir import book
from gemel.service.fhir.orders import Taking, mark, measured, of_statement
from gemel.service.fhir.served import twins_of
from gemel.service.fhir.studies import told_of
from gemel.service.fhir.whose import Known, aliases, whose
from gemel.service.security.access import Caller
from gemel.service.state import Service

REFUSED = {"refused": InputError, "conflict": ConflictError}
MOVED = ("new", "changed", "withdrawn")
NOBODY = "not used: no twin of this patient that you may see"
Order = tuple[int, Mapping[str, Any]]


@dataclass(frozen=True)
class Told:
    """What becomes of an entry: an HTTP status, and words; `used` where something was, or is already, made of it."""

    number: int
    words: str
    used: bool = True

    @property
    def severity(self) -> str:
        """Of the outcome."""
        return "information" if self.used else "warning"

    @property
    def code(self) -> str:
        """Kind of the outcome's issue."""
        return "informational" if self.used else "not-supported"

    def answer(self) -> Resource:
        """As a transaction's response has it."""
        said = outcome(self.severity, self.code, self.words)
        return {"status": "202 Accepted" if self.number == 202 else "200 OK", "outcome": said}


@dataclass(frozen=True)
class Plan:
    """What is to be done, and said: orders by twin, with their entries; weights and heights; names that no longer hold; other numbers."""

    orders: dict[str, list[Order]] = field(default_factory=dict)
    body: list[book.Measured] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    aliases: list[tuple[str, str]] = field(default_factory=list)
    told: dict[int, Told] = field(default_factory=dict)


async def taken(request: Request, service: Service, caller: Caller, found: Inbound) -> dict[int, Told]:
    """What becomes of each entry, by number. Raises what is to be mended; then nothing is taken."""
    known = await run_in_threadpool(_known, request, service, caller)
    plan = Plan(told={number: Told(200, f"not used: {why}", False) for number, why in found.unused.items()})
    for number, person in found.people.items():
        subject = whose(known, person, f"entry {number}")
        plan.aliases.extend(aliases(known, person, subject))
        plan.told[number] = Told(200, f"known as Patient/{subject}") if subject else Told(200, NOBODY, False)
    studied = {number: whose(known, study.person, f"entry {number}") for number, study in found.studies.items()}
    systems = {one.twin: one for one in await _takings(request, known, found)}
    await _planned(known, found, systems, plan)
    weighed = await _weighed(request, plan)
    await run_in_threadpool(book.keep, known.book, plan.body, plan.gone, plan.aliases)
    await _submitted(service, caller, plan, weighed)
    for number, study in found.studies.items():
        subject = studied[number]
        words = await run_in_threadpool(told_of, service, caller, subject, study.uid, list(known.twins(subject))) if subject else NOBODY
        plan.told[number] = Told(200, words, not words.startswith("not used"))
    for number, one in found.diagnoses.items():
        plan.told[number] = _diagnosed(known, whose(known, one.person, f"entry {number}"), one.systems, systems)
    return plan.told


def _known(request: Request, service: Service, caller: Caller) -> Known:
    reading = reading_of(request)
    living = set(subjects_of(service, reading, looked(reading.newest).versions).values())
    book.forget(service.told, living)
    return Known(service.guard.key, service.told, cache(partial(twins_of, request, caller)), living)


async def _takings(request: Request, known: Known, found: Inbound) -> list[Taking]:
    """The twins of everybody who is spoken of, with their systems."""
    said = [*(one.person for one in found.statements), *(one.person for one in found.diagnoses.values())]
    subjects = dict.fromkeys(whose(known, person, "subject") for person in said)
    reading = reading_of(request)
    twins = [twin for subject in subjects if subject for twin in known.twins(subject)]
    rows = await rows_of(reading, {twin: reading.newest.versions[twin] for twin in twins})
    made = []
    for twin in twins:
        system = str(rows.get(twin, {}).get("system", ""))
        scans: list[str] = await reading.answer("fhir_scans", (system,), {"system": system}) if system else []
        made.append(Taking(twin, system, scans))
    return made


async def _planned(known: Known, found: Inbound, systems: Mapping[str, Taking], plan: Plan) -> None:
    """Statements laid out by twin; what goes to none is answered for."""
    by_subject: dict[str, list[Statement]] = {}
    for one in found.statements:
        by_subject.setdefault(whose(known, one.person, f"entry {one.entry}"), []).append(one)
    for subject, said in by_subject.items():
        if not subject:
            plan.told.update({one.entry: Told(200, NOBODY, False) for one in said})
            continue
        sizes, marks = measured(known.key, subject, said), {mark(known.key, subject, one) for one in said}
        plan.body.extend(sizes)
        body = [*(one for one in await run_in_threadpool(book.measurements, known.book, subject) if one.mark not in marks), *sizes]
        twins = [systems[twin] for twin in known.twins(subject) if twin in systems]
        for one in said:
            _laid_out(known, subject, one, (twins, body), plan)


def _laid_out(known: Known, subject: str, one: Statement, of: tuple[Sequence[Taking], Sequence[book.Measured]], plan: Plan) -> None:
    """One statement of a subject, for each of the twins that take it."""
    name = mark(known.key, subject, one)
    if one.sort == "body":
        plan.told[one.entry] = Told(200, f"{one.what} kept: doses in mg are taken over the body's surface")
        return
    if one.withdrawn:
        plan.gone.append(name)
    orders = of_statement(one, of[0], name, of[1])
    for twin, order in orders.items():
        plan.orders.setdefault(twin, []).append((one.entry, order))
    if not orders:
        systems = ", ".join(taking.system for taking in of[0])
        plan.told[one.entry] = Told(200, f"not used: no twin of this patient takes {one.what} ({systems})", False)


async def _weighed(request: Request, plan: Plan) -> dict[str, list[list[str]]]:
    """What each twin makes of its orders. Raises InputError or ConflictError for the first refusal, with its entry."""
    reading = reading_of(request)
    found: dict[str, list[list[str]]] = {}
    for twin, orders in plan.orders.items():
        held = stamp(reading.newest, twin)
        asked = {"twin": twin, "stamp": "/".join(held), "said": [dict(order) for _, order in orders]}
        found[twin] = await reading.answer("fhir_weighed", (*held, repr(asked["said"])), asked, keep=False)
        for (entry, _), (state, words, remedy) in zip(orders, found[twin], strict=True):
            if state in REFUSED:
                raise REFUSED[state](f"{words} ({twin})", where=f"entry {entry}", remedy=remedy)
    return found


async def _submitted(service: Service, caller: Caller, plan: Plan, weighed: Mapping[str, list[list[str]]]) -> None:
    """A job for every twin for which something changes; every entry is told what each twin makes of it."""
    words: dict[int, list[str]] = {}
    moved: set[int] = set()
    used: set[int] = set()
    for twin, orders in plan.orders.items():
        job = ""
        if any(row[0] in MOVED for row in weighed[twin]):
            said = [dict(order) for _, order in orders]
            job = await asyncio.to_thread(service.jobs.submit, "hear", {"twin": twin, "said": said}, actor=caller.name)
        for (entry, _), (state, said_words, _) in zip(orders, weighed[twin], strict=True):
            words.setdefault(entry, []).append(f"{twin}: {said_words}" + (f": job {job}" if state in MOVED else ""))
            moved |= {entry} if state in MOVED else set()
            used |= {entry} if state != "unused" else set()
    plan.told.update({entry: Told(202 if entry in moved else 200, "; ".join(told), entry in used) for entry, told in words.items()})


def _diagnosed(known: Known, subject: str, names: Sequence[str], systems: Mapping[str, Taking]) -> Told:
    """What a diagnosis means here: no model takes it as a number, but it tells which system is the patient's."""
    if not names:
        return Told(200, "not used: no system of twins is for this diagnosis", False)
    twins = [twin for twin in (known.twins(subject) if subject else ()) if systems[twin].system in names]
    if twins:
        return Told(200, f"in keeping with {', '.join(twins)}; no model takes more of a diagnosis than its system")
    return Told(200, f"not kept: no twin yet; for this diagnosis there is {' or '.join(names)}, made from images (POST /api/twins)", False)
