"""The page's files: only those that were built are served, packed for who takes it, kept for good where their name says their content."""

import gzip
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from gemel.service.page import HOW, files, is_built, router, routes
from gemel.service.page.files import BUILT, File
from gemel.service.problems import speak
from gemel.service.settings import Settings

MOST_GZIPPED_B = 1_200_000
SCRIPT = b"console.log('gemel')"


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A page as npm builds it, small, beside a file that is nobody's business."""
    (tmp_path / "secret.db").write_bytes(b"accounts")
    folder = tmp_path / "built"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>gemel</title>")
    (folder / "favicon.svg").write_text("<svg/>")
    (folder / "assets" / "index-1a2b.js").write_bytes(SCRIPT)
    (folder / "assets" / "index-1a2b.js.gz").write_bytes(gzip.compress(SCRIPT))
    return folder


@pytest.fixture
def client(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setattr(routes, "files", lambda: files.files(built))
    app = FastAPI()
    app.include_router(router)
    speak(app, Settings(str(tmp_path / "twins.db"), tmp_path))
    with TestClient(app) as held:
        yield held


def test_the_page_is_asked_for_anew_and_its_parts_are_kept_for_good(client: TestClient) -> None:
    page, part = client.get("/"), client.get("/assets/index-1a2b.js")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert page.headers["cache-control"] == "no-cache"
    assert part.headers["content-type"] == "text/javascript; charset=utf-8"
    assert "immutable" in part.headers["cache-control"]


def test_parts_are_packed_for_who_takes_it_and_plain_for_who_does_not(client: TestClient) -> None:
    packed = client.get("/assets/index-1a2b.js", headers={"Accept-Encoding": "gzip"})
    plain = client.get("/assets/index-1a2b.js", headers={"Accept-Encoding": "identity"})
    assert (packed.headers["content-encoding"], packed.content) == ("gzip", SCRIPT)
    assert "content-encoding" not in plain.headers
    assert (plain.content, plain.headers["vary"]) == (SCRIPT, "Accept-Encoding")


@pytest.mark.parametrize(
    "address",
    [
        "/assets/../../secret.db",
        "/assets/..%2f..%2fsecret.db",
        "/assets/%2e%2e/%2e%2e/secret.db",
        "/assets/..%5c..%5csecret.db",
        "/assets/%2fetc%2fpasswd",
        "/assets/index-1a2b.js.gz",
        "/assets/index-1a2b.js%00.html",
        "/assets/",
        "/secret.db",
        "/index.html",
    ],
)
def test_no_address_names_another_file(client: TestClient, address: str) -> None:
    answer = client.get(address)
    assert answer.status_code == 404
    assert b"accounts" not in answer.content


def test_a_page_that_is_built_anew_is_served_anew(client: TestClient, built: Path) -> None:
    assert "gemel" in client.get("/").text
    time.sleep(0.02)
    (built / "index.html").write_text("<!doctype html><title>newer</title>")
    assert "newer" in client.get("/").text


def test_where_no_page_is_built_it_says_how_to_get_one(client: TestClient, built: Path) -> None:
    shutil.rmtree(built)
    assert not is_built(built)
    answer = client.get("/")
    assert answer.status_code == 200
    assert HOW.partition("`")[0] in answer.text
    assert "Not a medical device" in answer.text
    assert "<script" not in answer.text
    assert "style=" not in answer.text
    assert client.get("/assets/index-1a2b.js").status_code == 404


@pytest.mark.skipif(not is_built(), reason="the page is not built here: make workbench")
def test_the_built_page_is_small_and_loads_nothing_from_elsewhere() -> None:
    held = files.files()
    assert sum(len(file.gzipped) for file in held.values()) < MOST_GZIPPED_B
    index = held["index.html"].content.decode()
    assert "http" not in index.replace("http-equiv", "")
    assert "<style" not in index
    assert " style=" not in index
    assert "<script>" not in index


@pytest.mark.skipif(not is_built(), reason="the page is not built here: make workbench")
def test_every_packed_part_is_its_plain_part() -> None:
    held = {name: file for name, file in files.files().items() if file.gzipped}
    assert {"index.html"} < held.keys()
    assert [name for name, file in held.items() if not _same(file)] == []
    assert all((BUILT / name).is_file() for name in held)


def _same(file: File) -> bool:
    return gzip.decompress(file.gzipped) == file.content
