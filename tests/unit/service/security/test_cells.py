"""Every route × role × relation × purpose × patient is answered as the policy's table says, worked out here a second time."""

import asyncio
import random
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from itertools import product
from pathlib import Path

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Response
from fastapi.routing import APIRoute, iter_route_contexts

from gemel.service.app import create_app
from gemel.service.security import accounts, care, sessions
from gemel.service.security.access import PUBLIC, Gated, needs
from gemel.service.security.guard import Guard
from gemel.service.settings import Limits
from tests.unit.service.security import house

TABLE = tomllib.loads(resources.files("gemel.service.security").joinpath("policy.toml").read_text())
RELATIONS = ("none", "care", "study", "break-glass", "care of another")
PURPOSES = ("", *TABLE["purposes"])
VALUES = {"twin_id": house.ANNA, "study": house.STUDY}
AT_ONCE = 60


@dataclass(frozen=True)
class Cell:
    """Who (a role, or nobody) asks at which door, related how to the patient, and for what."""

    gate: Gated
    role: str
    relation: str
    purpose: str


def granted(role: str, action: str, purpose: str) -> str:
    """What the table gives a role for a purpose: any, related or nothing."""
    if purpose not in TABLE["roles"][role]["purposes"] or action not in TABLE["purposes"][purpose]["actions"]:
        return ""
    return str(TABLE["roles"][role].get(action, ""))


def expected(cell: Cell) -> int:
    """The status that the table asks for: 401 nobody, 403 not for this role or purpose, 404 not this patient, 204 allowed."""
    if cell.gate.action == PUBLIC:
        return 204
    if cell.role == "nobody":
        return 401
    purposes = [cell.purpose] if cell.purpose else list(TABLE["purposes"])
    reaches = {purpose: granted(cell.role, cell.gate.action, purpose) for purpose in purposes}
    if not any(reaches.values()):
        return 403
    if not cell.gate.patient or "any" in reaches.values():
        return 204
    related = any(reach and cell.relation in TABLE["purposes"][purpose]["relations"] for purpose, reach in reaches.items())
    return 204 if related else 404


def doors(app: FastAPI) -> list[Gated]:
    """Every door of the real application."""
    found: list[Gated] = app.state.gates
    return found


def empty(gates: list[Gated]) -> APIRouter:
    """Rooms behind the same doors, with nothing in them: what is tried are the doors."""
    router = APIRouter()
    for n, gate in enumerate(gates):
        router.add_api_route(
            f"/cell/{n}{_path(gate)}", _nothing, methods=list(gate.methods), dependencies=[needs(gate.action, gate.patient)]
        )
    return router


def _path(gate: Gated) -> str:
    return f"/{{{gate.patient}}}" if gate.patient else ""


def _nothing() -> Response:
    return Response(status_code=204)


def cells(gates: list[Gated]) -> Iterator[tuple[int, Cell]]:
    """Every cell, with the number of its door."""
    for n, gate in enumerate(gates):
        for role, relation, purpose in product(("nobody", *TABLE["roles"]), RELATIONS, PURPOSES):
            yield n, Cell(gate, role, relation, purpose)


def people(guard: Guard) -> dict[tuple[str, str], str]:
    """A session for each role and relation."""
    made = {}
    for role, relation in product(TABLE["roles"], RELATIONS):
        name = f"{role}.{relation.replace(' ', '.')}"
        accounts.add(guard, name, [role])
        if relation != "none":
            whom = house.subject(guard, house.BORIS if relation == "care of another" else house.ANNA)
            care.relate(guard, care.Relation(name, whom, relation.partition(" ")[0]), made_by="test")
        made[role, relation] = sessions.begin(guard, name)
    return made


async def try_all(app: FastAPI, tried: list[tuple[int, Cell]]) -> list[str]:
    """The cells that are not answered as expected."""
    async with app.router.lifespan_context(app):
        object.__setattr__(app.state.service, "archive", house.OneStudy())
        made, wrong = people(app.state.service.guard), []
        anna = house.subject(app.state.service.guard, house.ANNA)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:

            async def one(n: int, cell: Cell) -> None:
                value = VALUES.get(cell.gate.patient, anna)
                cookie = made.get((cell.role, cell.relation), "")
                headers = {"X-Purpose": cell.purpose} if cell.purpose else {}
                headers |= {"Cookie": f"{sessions.COOKIE}={cookie}", "X-CSRF": sessions.csrf(cookie)} if cookie else {}
                path = f"/cell/{n}" + (f"/{value}" if cell.gate.patient else "")
                answer = await client.request(cell.gate.methods[0], path, headers=headers)
                if answer.status_code != expected(cell):
                    wrong.append(f"{answer.status_code} where {expected(cell)}: {cell}")

            for start in range(0, len(tried), AT_ONCE):
                await asyncio.gather(*(one(n, cell) for n, cell in tried[start : start + AT_ONCE]))
    return wrong


def prepared(folder: Path) -> tuple[FastAPI, list[tuple[int, Cell]]]:
    """The application with its empty rooms, and all cells."""
    told = house.settings(folder, limits=Limits(requests_per_s=1e9, burst=10**9))
    gates = doors(create_app(told))
    return house.with_routes(told, empty(gates)), list(cells(gates))


def test_a_sample_of_cells_is_answered_as_the_table_says(tmp_path: Path) -> None:
    app, every = prepared(tmp_path)
    tried = random.Random(8).sample(every, 400)
    assert len({expected(cell) for _, cell in tried}) == 4, "the sample must meet every kind of answer"
    assert asyncio.run(try_all(app, tried)) == []


@pytest.mark.full
def test_every_cell_is_answered_as_the_table_says(tmp_path: Path) -> None:
    app, every = prepared(tmp_path)
    assert len(every) >= 5000
    assert asyncio.run(try_all(app, every)) == []


WORDS = {"numbers": "1", "path": "7FE00010", "kind": "Observation", "key": "0" * 40, "job_id": "0" * 32}


def place(gate: Gated) -> str:
    """The address of a real door, with names in its places: Boris's where it names a patient."""
    names = WORDS | {"twin_id": house.BORIS, "study": house.STUDY, "patient_id": "0" * 32}
    return re.sub(r"\{(\w+)(:path)?\}", lambda found: names.get(found[1], "1"), gate.path)


async def knocked(app: FastAPI) -> list[str]:
    """Real doors, tried by all who may not pass, that are not answered as the table says."""
    async with app.router.lifespan_context(app):
        held, wrong = app.state.service.guard, []
        for role in TABLE["roles"]:
            accounts.add(held, role, [role])
        cookies = {"nobody": ""} | {role: sessions.begin(held, role) for role in TABLE["roles"]}
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
            for gate, role in product(doors(app), cookies):
                wanted = expected(Cell(gate, role, "none", ""))
                headers = {"Cookie": f"{sessions.COOKIE}={cookies[role]}", "X-CSRF": sessions.csrf(cookies[role])} if cookies[role] else {}
                for method in gate.methods if wanted != 204 else ():
                    answer = await asyncio.wait_for(client.request(method, place(gate), headers=headers), 20)  # an open stream never ends
                    if answer.status_code != wanted:
                        wrong.append(f"{answer.status_code} where {wanted}: {role} {method} {place(gate)}")
    return wrong


def test_the_real_doors_are_shut(tmp_path: Path) -> None:
    """The cells above try rooms of our own behind the same gates; this tries the real ones, with nobody's relation."""
    app = create_app(house.settings(tmp_path, limits=Limits(requests_per_s=1e9, burst=10**9)))
    assert asyncio.run(knocked(app)) == []


def test_no_door_is_left_out(tmp_path: Path) -> None:
    """What the description of the interface names, and what the tables of routes hold, is in the list of doors, method by method."""
    app = create_app(house.settings(tmp_path))
    listed = {(gate.path, method) for gate in doors(app) for method in gate.methods}
    described = {(path, method.upper()) for path, ways in app.openapi()["paths"].items() for method in ways}
    assert {(path.replace(":path", ""), method) for path, method in listed} >= described
    assert len(listed) == sum(len(context.methods or ()) for context in iter_route_contexts(app.routes))
    assert not [context.path for context in iter_route_contexts(app.routes) if not isinstance(context.original_route, APIRoute)]


def test_the_table_keeps_what_must_not_change() -> None:
    """Said once more in words, so that a line added to the table by mistake is seen."""
    of = {name: set(row) - {"purposes"} for name, row in TABLE["roles"].items()}
    assert not any(action.startswith(("twins", "images", "fhir", "persons")) for action in of["admin"] | of["auditor"])
    assert [name for name in of if "users:admin" in of[name]] == ["admin"]
    assert [name for name in of if "audit:read" in of[name]] == ["auditor"]
    assert [name for name in of if "twins:decide" in of[name]] == ["physician"]
    assert [name for name in of if "care:break" in of[name]] == ["physician"]
    assert "persons:read" not in of["modeller"]
    assert "persons:read" not in TABLE["purposes"]["HRESCH"]["actions"] + TABLE["purposes"]["HOPERAT"]["actions"]
    assert [name for name, row in TABLE["purposes"].items() if "break-glass" in row["relations"]] == ["ETREAT"]
    any_patient = [(name, action) for name, row in TABLE["roles"].items() for action, reach in row.items() if reach == "any"]
    assert not [pair for pair in any_patient if pair[1].startswith(("twins", "images", "fhir", "queue", "persons"))]


def test_most_cells_are_denied(tmp_path: Path) -> None:
    _, every = prepared(tmp_path)
    told = Counter(expected(cell) for _, cell in every if cell.gate.patient)
    assert told[204] < 0.25 * sum(told.values()), told
