"""The description of the interface against the interface: no request that it allows or forbids makes the service fail.

The requests are Schemathesis's (Hatfield-Dodds & Dygalo 2022, ICSE Companion): drawn from the document, and from what it forbids.
"""

from collections.abc import Iterator
from contextlib import nullcontext, suppress
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from starlette.testclient import TestClient

MINE = ("/api/twins", "/api/jobs", "/api/ledger", "/api/models", "/api/cohorts", "/api/scanners", "/api/queue", "/api/node")
FEW, MANY = 2, 60
"""Requests of each kind to an operation: by default, and in the full run."""
ALL = list(HealthCheck)
OWN = ("x-csrf", "cookie", "host", "content-length", "transfer-encoding", "connection")


pytestmark = pytest.mark.filterwarnings("ignore:Do not use the `random` module:hypothesis.errors.HypothesisDeprecationWarning")
"""Of Schemathesis 4.32 itself, whose strategies for forbidden requests draw from `random`."""


def operations(app: FastAPI, client: TestClient) -> Iterator[Any]:
    """Every operation of the JSON API."""
    schema = schemathesis.openapi.from_dict(client.get("/openapi.json").json())
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.path.startswith(MINE):
            yield operation


def attacked(client: TestClient, twin: str, operation: Any, examples: int) -> None:
    """Requests that the document allows, and as many that it forbids: none is answered by a 5xx, each refusal in words."""
    takes = bool(operation.body) or any(True for _ in operation.iter_parameters())
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)[: 1 + takes]:  # where nothing is taken nothing is forbidden

        @given(case=operation.as_strategy(generation_mode=mode), real=st.booleans())
        @settings(max_examples=examples, deadline=None, database=None, derandomize=True, phases=[Phase.generate], suppress_health_check=ALL)
        def attack(case: Any, real: bool) -> None:
            path = {**(case.path_parameters or {})} | ({"twin_id": twin} if real and "{twin_id}" in operation.path else {})
            answer = send(client, operation, case, path)
            assert answer.status_code < 500, (operation.label, case, answer.text)
            assert answer.status_code < 400 or in_words(answer), (operation.label, answer.text)

        with suppress(Unsatisfiable) if mode is GenerationMode.NEGATIVE else nullcontext():  # a text of any kind in a path forbids nothing
            attack()


def in_words(answer: Any) -> bool:
    """Whether a refusal says what is wrong: as a problem (RFC 9457), or as an OperationOutcome where FHIR is spoken."""
    if answer.headers["content-type"] == "application/fhir+json":
        return all(issue["diagnostics"] for issue in answer.json()["issue"])
    return answer.headers["content-type"] == "application/problem+json" and bool(answer.json()["title"])


def send(client: TestClient, operation: Any, case: Any, path: dict[str, Any]) -> Any:
    """A case as a request; headers that no client can write are left out."""
    case.path_parameters = path
    told = case.as_transport_kwargs(base_url=str(client.base_url))
    headers = {k: v for k, v in told.get("headers", {}).items() if k.lower() not in OWN and str(v).isascii() and str(v).isprintable()}
    if "twin_id" in path and operation.method == "post" and "if-match" not in {k.lower() for k in headers}:
        headers["If-Match"] = '"1"'
    body = {"json": told["json"]} if "json" in told else {"content": told["data"]} if isinstance(told.get("data"), bytes | str) else {}
    return client.request(operation.method.upper(), told["url"], params=told.get("params"), headers=headers, **body)


def test_no_request_makes_the_service_fail(app: FastAPI, client: TestClient, twin: str) -> None:
    """A sample: every fifth operation, a few requests each."""
    found = list(operations(app, client))
    assert len(found) >= 28
    for operation in found[::5]:
        attacked(client, twin, operation, FEW)


@pytest.mark.full
@pytest.mark.parametrize("piece", range(4))
def test_no_request_makes_the_service_fail_however_many(app: FastAPI, client: TestClient, twin: str, piece: int) -> None:
    for operation in list(operations(app, client))[piece::4]:
        attacked(client, twin, operation, MANY)
