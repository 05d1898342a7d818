"""STOW-RS: each object judged for itself, bodies read within bounds."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from fastapi import HTTPException
from starlette.testclient import TestClient

from gemel.service.app import create_app
from gemel.service.dicomweb import parts_read
from gemel.service.settings import Limits, Settings
from tests.unit.service.entered import entered, sign_in
from tests.unit.service.slices import ct_file
from tests.unit.service.stowed import HEADERS, STUDIES, address, body


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """Somebody who may do everything."""
    folder = tmp_path_factory.mktemp("stow")
    limits = Limits(stow_bytes=1 << 20)
    with entered(create_app(Settings(store=str(folder / "twins.db"), folder=folder / "service", limits=limits))) as made:
        yield made


def test_all_good_is_200_some_202_none_409(client: TestClient) -> None:
    good = client.post(STUDIES, content=body([ct_file(1), ct_file(2)]), headers=HEADERS)
    some = client.post(STUDIES, content=body([ct_file(3), ct_file(4)[:-10], b"no DICOM"]), headers=HEADERS)
    none = client.post(STUDIES, content=body([b"no DICOM"]), headers=HEADERS)
    assert (good.status_code, some.status_code, none.status_code) == (200, 202, 409)
    assert [item["00081155"]["Value"][0] for item in good.json()["00081199"]["Value"]] == ["1.2.826.0.1.1.1.1", "1.2.826.0.1.1.1.2"]
    assert good.json()["00081199"]["Value"][0]["00081190"]["Value"][0].endswith("/dicom-web/studies/1.2.826.0.1.1")
    assert [item["00081197"]["Value"] for item in some.json()["0008119A"]["Value"]] == [[0xC000], [0xC000]]
    assert "claims" in some.json()["0008119A"]["Value"][0]["00000902"]["Value"][0]


def test_the_same_again_is_good_and_another_under_the_same_UID_is_not(client: TestClient) -> None:
    assert client.post(STUDIES, content=body([ct_file(1)]), headers=HEADERS).status_code == 200
    other = client.post(STUDIES, content=body([ct_file(1, PatientSex="O")]), headers=HEADERS)
    assert other.status_code == 409
    assert other.json()["00081198"]["Value"][0]["00081197"]["Value"] == [0x0111]


def test_an_object_of_another_study_is_refused_where_one_is_named(client: TestClient) -> None:
    answer = client.post(f"{STUDIES}/1.2.826.0.1.2", content=body([ct_file(1, study=2), ct_file(1, study=3)]), headers=HEADERS)
    assert answer.status_code == 202
    assert answer.json()["00081198"]["Value"][0]["00081197"]["Value"] == [0xA900]
    assert client.post(f"{STUDIES}/..", content=b"", headers=HEADERS).status_code in (404, 405)
    assert client.post(f"{STUDIES}/1.02", content=b"", headers=HEADERS).status_code == 400


def test_who_may_store_may_not_add_to_a_patient_of_others(client: TestClient) -> None:
    app = client.app
    client.post(STUDIES, content=body([ct_file(1, study=7)]), headers=HEADERS)
    other = TestClient(app, base_url="http://localhost")  # without its lifespan: the service runs already
    sign_in(other, app, "physicist", ["physicist"])
    refused = other.post(STUDIES, content=body([ct_file(2, study=7)]), headers=HEADERS)
    assert refused.status_code == 409
    assert refused.json()["00081198"]["Value"][0]["00081197"]["Value"] == [0x0124]
    assert other.post(STUDIES, content=body([ct_file(1, study=8)]), headers=HEADERS).status_code == 200
    assert other.get(address(1, study=7) + "/metadata").status_code == 404
    assert other.get(STUDIES).json() == []


@pytest.mark.parametrize(
    ("headers", "content", "status"),
    [
        ({**HEADERS, "Content-Encoding": "gzip"}, b"", 415),
        ({"Content-Type": "application/dicom"}, b"", 415),
        ({"Content-Type": "multipart/related; type=application/dicom+json; boundary=x"}, b"", 415),
        ({"Content-Type": "multipart/related"}, b"", 400),
        ({**HEADERS, "Accept": "application/dicom+xml"}, b"", 406),
        (HEADERS, b"", 400),
        (HEADERS, b"--part\r\n\r\nabc", 400),
        (HEADERS, b"x" * (2 << 20), 413),
    ],
)
def test_a_body_that_cannot_be_taken_is_refused_in_words(client: TestClient, headers: dict[str, str], content: bytes, status: int) -> None:
    answer = client.post(STUDIES, content=content, headers=headers)
    assert answer.status_code == status
    assert len(answer.json()["title"]) > 10


def read(content: bytes, boundary: str = "b", size: int = 1 << 20) -> list[tuple[str, bytes]]:
    """The parts of a body that comes in pieces of 7 bytes."""

    async def chunks() -> AsyncIterator[bytes]:
        for begin in range(0, len(content), 7):
            yield content[begin : begin + 7]

    async def gather() -> list[tuple[str, bytes]]:
        return [(kind, bytes(part)) async for kind, part in parts_read.parts_of(chunks(), boundary, size)]

    return asyncio.run(gather())


def test_parts_are_read_whole_however_they_are_cut() -> None:
    inside = b"\r\n--\r\n-- b\r\n-b\r\n--a"
    content = b"preamble\r\n--b\r\nContent-Type: x/y\r\nZ: 1\r\n\r\n" + inside + b"\r\n--b\r\n\r\n\r\n--b--\r\nbehind"
    assert read(content) == [("x/y", inside), ("", b"")]


def test_what_is_no_multipart_is_refused_and_nothing_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts_read, "LARGEST_PART_BYTES", 1000)
    monkeypatch.setattr(parts_read, "MOST_PARTS", 5)
    for content, status in (
        (b"--b\r\n\r\n" + b"x" * 5000 + b"\r\n--b--", 413),
        (b"x" * 9000, 413),
        (b"--b\r\nX: " + b"y" * 9000, 413),
        (b"--bb\r\n\r\n--b--", 400),
        (b"--b\r\n\r\n\r\n" * 9 + b"--b--", 413),
        (b"--b\r\n\r\nabc", 400),
        (b"", 400),
        (b"--b", 400),
        (b"--b-", 400),
    ):
        with pytest.raises(HTTPException) as refused:
            read(content)
        assert refused.value.status_code == status, content[:20]
    with pytest.raises(HTTPException, match="413"):
        read(b"--b--" + b"x" * 5000, size=4000)
    for boundary in ("", "b" * 71, 'a"', "a\nb"):
        with pytest.raises(HTTPException, match="boundary"):
            read(b"", boundary)


def test_the_archive_keeps_no_preamble(client: TestClient, tmp_path: Path) -> None:
    content = b"ACME" + ct_file(9)[4:]
    assert client.post(STUDIES, content=body([content]), headers=HEADERS).status_code == 200
    found = client.get(address(9), headers={"Accept": "application/dicom"}).content
    assert found == bytes(4) + content[4:]
