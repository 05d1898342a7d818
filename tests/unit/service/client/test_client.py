"""The client: pages, versions, jobs, files, and errors that are told in words."""

import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from gemel.core.errors import ConflictError, InputError, StoreError, TaskError
from gemel.service.client import Client

Answer = Callable[[httpx.Request], httpx.Response]


def client(answer: Answer) -> Client:
    return Client("http://gemel.example", token="secret", transport=httpx.MockTransport(answer))


def test_every_page_of_twins_is_read_once() -> None:
    ids = [f"t{i}" for i in range(430)]

    def answer(request: httpx.Request) -> httpx.Response:
        offset, limit = int(request.url.params["offset"]), int(request.url.params["limit"])
        return httpx.Response(200, json={"total": len(ids), "twins": [{"id": name} for name in ids[offset : offset + limit]]})

    with client(answer) as gemel:
        assert [row["id"] for row in gemel.twins()] == ids


def test_a_list_that_shrinks_meanwhile_ends() -> None:
    with client(lambda request: httpx.Response(200, json={"total": 5, "twins": []})) as gemel:
        assert list(gemel.twins()) == []


def test_the_token_goes_with_every_request_and_is_not_shown() -> None:
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["Authorization"])
        return httpx.Response(200, json={})

    with client(answer) as gemel:
        gemel.twin("a")
        assert "secret" not in repr(gemel)
    assert seen == ["Bearer secret"]


def test_a_write_names_the_version_it_rests_on() -> None:
    asked: list[tuple[str, str, object]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            asked.append((request.url.path, request.headers["If-Match"], json.loads(request.content)))
            return httpx.Response(202, json={"job": "j1"})
        if request.url.path.endswith("/jobs/j1"):
            return httpx.Response(200, json={"id": "j1", "verb": "act", "state": "done", "result": {"version": 8}})
        return httpx.Response(200, json={"version": 7}, headers={"ETag": '"7"'})

    with client(answer) as gemel:
        done = gemel.wait(gemel.act("a twin/7", "plan 2", "the second is calmer"))
    assert asked == [("/api/twins/a twin/7/act", '"7"', {"plan": "plan 2", "note": "the second is calmer"})]
    assert done.result == {"version": 8}


@pytest.mark.parametrize("status, kind", [(400, InputError), (404, InputError), (412, ConflictError), (503, StoreError)])
def test_the_words_of_the_service_arrive(status: int, kind: type[Exception]) -> None:
    problem = {"title": "x", "detail": "a twin at version 8", "where": "p-1", "remedy": "read it again"}
    with (
        client(lambda request: httpx.Response(status, json=problem)) as gemel,
        pytest.raises(kind, match=r"a twin at version 8 in p-1 — read"),
    ):
        gemel.twin("p-1")


def test_another_server_at_that_address_is_told() -> None:
    with client(lambda request: httpx.Response(200, text="<html>")) as gemel, pytest.raises(StoreError, match="no JSON object"):
        gemel.twin("a")
    with client(lambda request: httpx.Response(502, text="<html>")) as gemel, pytest.raises(InputError, match="status 502 Bad Gateway"):
        gemel.twin("a")


def test_no_service_is_told_with_its_address() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    with (
        client(answer) as gemel,
        pytest.raises(StoreError, match=r"no answer \(refused\) in http://gemel\.example — is `gemel serve` running"),
    ):
        gemel.twin("a")


def test_a_job_that_failed_says_why() -> None:
    row = {"id": "j", "verb": "decide", "state": "failed", "error": "no scan yet"}
    with client(lambda request: httpx.Response(200, json=row)) as gemel, pytest.raises(TaskError, match="no scan yet in decide j"):
        gemel.wait(gemel.job("j"))


def test_a_job_is_not_waited_for_without_end() -> None:
    row = {"id": "j", "verb": "decide", "state": "running"}
    with client(lambda request: httpx.Response(200, json=row)) as gemel, pytest.raises(StoreError, match=r"still runs after 0\.01 s"):
        gemel.wait(gemel.job("j"), 0.01, every_s=0.005)


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    with client(lambda request: httpx.Response(200, content=b"volume")) as gemel:
        assert gemel.save("/v", tmp_path / "v.nii.gz").read_bytes() == b"volume"
    with client(lambda request: httpx.Response(404, json={"detail": "no volume"})) as gemel, pytest.raises(InputError, match="no volume"):
        gemel.save("/v", tmp_path / "w.nii.gz")

    def breaks(request: httpx.Request) -> httpx.Response:
        def half() -> object:
            yield b"vol"
            raise httpx.ReadError("cut")

        return httpx.Response(200, content=half())

    with client(breaks) as gemel, pytest.raises(StoreError, match="cut"):
        gemel.save("/v", tmp_path / "w.nii.gz")
    assert [path.name for path in tmp_path.iterdir()] == ["v.nii.gz"]


def test_a_remedy_is_told_once_and_a_program_is_not_told_to_sign_in() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        status = 401 if request.url.path.endswith("/a") else 404
        told = {"title": "nothing of 'b'", "detail": "nothing of 'b' — check it", "remedy": "check it", "where": "/api"}
        return httpx.Response(status, json=told)

    with client(answer) as gemel:
        with pytest.raises(InputError) as caught:
            gemel.twin("b")
        assert str(caught.value) == "nothing of 'b' in /api — check it"
        with pytest.raises(InputError, match=r"gemel user token NAME"):
            gemel.twin("a")


def test_a_verb_rests_on_the_version_that_was_looked_at() -> None:
    asked: list[tuple[str, str, str]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append((request.method, request.url.path, request.headers.get("If-Match", "")))
        return httpx.Response(202 if request.method == "POST" else 200, json={"job": "j1", "id": "j1", "version": 9, "state": "failed"})

    with client(answer) as gemel:
        gemel.act("p", "day-1", version=7)
        gemel.begin("prostate", ["1.2.3"], structures="1.2.4")
        assert gemel.cancel(gemel.decide("p", version=8)).ended
    assert [row for row in asked if row[0] != "GET"] == [
        ("POST", "/api/twins/p/act", '"7"'),
        ("POST", "/api/twins", ""),
        ("POST", "/api/twins/p/decide", '"8"'),
        ("DELETE", "/api/jobs/j1", ""),
    ]


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(InputError, match=r"write http://127\.0\.0\.1:8080"):
        Client("gemel.example", token="t")
