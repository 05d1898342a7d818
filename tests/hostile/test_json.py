"""Every route that takes a body of JSON, given bodies that parsers stumble over: a refusal in words, soon, and never a fault of ours."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.hostile.abuse import cpu_s
from tests.hostile.json_bodies import KINDS, bodies
from tests.hostile.served import Served, served

WITHIN_S = 5.0
PLACES = {"twin_id": "T1", "name": "x", "identifier": "x", "job_id": "x", "workitem": "1.2.3", "study": "1.2.3"}
OWN = ("/api/session", "/dicom-web/studies")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(Path(tmp_path_factory.mktemp("json")), config="[limits]\nrequests_per_s = 100000.0\nburst = 100000\n") as opened:
        yield opened


def routes(described: dict[str, Any]) -> list[tuple[str, str]]:
    """Method and path of every operation that takes a body, but for those that end the session or take DICOM."""
    found = [(method, path) for path, methods in described["paths"].items() for method, told in methods.items() if "requestBody" in told]
    filled = [(method, path.format_map(Known())) for method, path in found if path not in OWN]
    return [*filled, ("post", "/fhir"), ("post", "/dicom-web/workitems")]


class Known(dict[str, str]):
    """A name for every place in a path."""

    def __missing__(self, key: str) -> str:
        return PLACES.get(key, "x")


def attacked(running: Served, step: int) -> int:
    """Sends every body to every route, or every `step`-th of them; how many were sent."""
    asked = [(method, path, body) for method, path in routes(running.client.get("/openapi.json").json()) for body in bodies()]
    for n, (method, path, body) in enumerate(asked[::step]):
        kind = KINDS[1 + n % 2] if path.startswith("/fhir") else KINDS[3] if path.startswith("/dicom-web") else KINDS[0]
        used_s = cpu_s(running.process.pid)
        answer = running.client.request(method, path, content=body.content, headers={"Content-Type": kind, "If-Match": '"1"'})
        told = (method, path, body.name, answer.status_code, answer.text[:300])
        assert answer.status_code < 500, told
        assert answer.status_code < 400 or {"title", "issue"} & answer.json().keys(), told
        assert cpu_s(running.process.pid) - used_s < WITHIN_S, told
    return len(asked[::step])


def test_a_sample_is_refused_in_words(running: Served) -> None:
    assert attacked(running, 17) > 20
    assert running.alive


@pytest.mark.full
def test_all_are_refused_in_words(running: Served) -> None:
    assert attacked(running, 1) > 300
    assert running.alive
    assert (running.watched.failed, running.watched.slowest_s < 1.0) == (0, True)
    assert running.watched.service_MB < 512
