"""QIDO-RS and WADO-RS: what is found, what is given, in which kind, to whom."""

import gzip
import json
from collections.abc import Iterator
from email import message_from_bytes
from io import BytesIO
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest
from httpx import Response
from PIL import Image
from starlette.testclient import TestClient

from gemel.service.app import create_app
from gemel.service.dicomweb import search
from gemel.service.security.subjects import subject_of_person
from gemel.service.settings import Settings
from tests.unit.service.entered import entered, sign_in
from tests.unit.service.slices import ct_file
from tests.unit.service.stowed import HEADERS, STUDIES, address, body

FOLDER = Path(pydicom.__file__).parent / "data" / "test_files"
OCTETS = 'multipart/related; type="application/octet-stream"'


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """Somebody who may do everything, three studies: one of 4 slices in one series, one of 2, one of colour."""
    folder = tmp_path_factory.mktemp("wado")
    with entered(create_app(Settings(store=str(folder / "twins.db"), folder=folder / "service"))) as made:
        contents = [ct_file(number) for number in range(1, 5)] + [ct_file(number, study=2, Modality="MR") for number in (1, 2)]
        contents += [ct_file(1, series=3, ImagePositionPatient=[0, 0, 0]), ct_file(2, series=3, ImagePositionPatient=[0, 0, 2])]
        contents += [ct_file(3, series=3, ImagePositionPatient=[0, 0, 6])]
        contents += [next(FOLDER.rglob(f"{name}.dcm")).read_bytes() for name in ("JPEG2000", "SC_rgb_rle_2frame", "MR_small_bigendian")]
        assert made.post(STUDIES, content=body(contents), headers=HEADERS).status_code == 200
        yield made


def parts(answer: Response) -> list[bytes]:
    """Contents of a multipart answer."""
    whole = b"Content-Type: " + answer.headers["content-type"].encode() + b"\r\n\r\n" + answer.content
    return [part.get_payload(decode=True) for part in message_from_bytes(whole).get_payload()]  # type: ignore[union-attr, misc]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("studies", 5),
        ("studies?PatientID=P1", 1),
        ("studies?00100020=P1", 1),
        ("studies?PatientName=curie*", 2),
        ("studies?StudyDate=20260102-", 1),
        ("studies?StudyDate=-20260101&PatientID=P1", 1),
        ("studies?ModalitiesInStudy=MR&PatientID=P2", 1),
        ("studies?limit=1", 1),
        ("studies?limit=2&offset=4", 1),
        ("studies?PatientID=nobody", 0),
        ("series?Modality=CT&PatientID=P1", 2),
        ("studies/1.2.826.0.1.1/series", 2),
        ("studies/1.2.826.0.1.1/instances", 7),
        ("studies/1.2.826.0.1.1/series/1.2.826.0.1.1.3/instances", 3),
        ("instances?SOPInstanceUID=1.2.826.0.1.1.1.1,1.2.826.0.1.1.1.2", 2),
        ("studies?StudyInstanceUID=1.2.826.0.1.1&includefield=all", 1),
        ("instances?PatientID=P1&InstanceNumber=3", 2),
    ],
)
def test_what_matches_is_found(client: TestClient, query: str, count: int) -> None:
    answer = client.get(f"/dicom-web/{query}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/dicom+json"
    assert len(answer.json()) == count


def test_a_row_is_DICOM_JSON_with_its_address(client: TestClient) -> None:
    row = client.get("/dicom-web/studies?PatientID=P1").json()[0]
    assert row["00100010"] == {"vr": "PN", "Value": [{"Alphabetic": "Curie^Marie1"}]}
    assert row["00201208"] == {"vr": "IS", "Value": [7]}
    assert row["0020000D"] == {"vr": "UI", "Value": ["1.2.826.0.1.1"]}
    assert client.get(row["00081190"]["Value"][0] + "/series").json()[0]["00201209"]["Value"] == [4]
    assert list(row) == sorted(row)


@pytest.mark.parametrize(
    "query",
    [
        "studies?Nonsense=1",
        "studies?limit=-1",
        "studies?offset=x",
        "studies?StudyDate=yesterday-",
        "studies?offset=999999",
        "studies?Rows=",
        "x",
    ],
)
def test_a_query_that_cannot_be_asked_is_told_why(client: TestClient, query: str) -> None:
    answer = client.get(f"/dicom-web/{query}")
    assert answer.status_code in ((200,) if query.endswith("Rows=") else (400, 404))
    assert answer.status_code == 200 or len(answer.json()["title"]) > 10


def test_fuzzy_matching_and_further_rows_are_warned_of(client: TestClient) -> None:
    warned = client.get("/dicom-web/studies?fuzzymatching=true&limit=1").headers.get_list("warning")
    assert len(warned) == 2
    assert warned[0].startswith("299 ")
    assert not client.get("/dicom-web/studies").headers.get_list("warning")


def test_objects_come_back_as_they_were_sent(client: TestClient) -> None:
    assert parts(client.get(address(2))) == [ct_file(2)]
    assert client.get(address(2), headers={"Accept": "application/dicom"}).content == ct_file(2)
    assert sorted(parts(client.get(address()))) == sorted(ct_file(number) for number in range(1, 5))
    assert len(parts(client.get(f"{STUDIES}/1.2.826.0.1.1"))) == 7
    syntax = client.get(
        address(2), headers={"Accept": 'multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.4.50'}
    )
    assert syntax.status_code == 406
    assert "1.2.840.10008.1.2.1" in syntax.json()["title"]


def test_metadata_name_the_pixels_and_the_address_gives_them(client: TestClient) -> None:
    found = client.get(address(1) + "/metadata").json()
    assert found[0]["00280010"] == {"vr": "US", "Value": [16]}
    bulk = client.get(found[0]["7FE00010"]["BulkDataURI"], headers={"Accept": "application/octet-stream"})
    assert bulk.content == pydicom.dcmread(BytesIO(ct_file(1))).PixelData
    assert [len(client.get(f"{path}/metadata").json()) for path in (address(), f"{STUDIES}/1.2.826.0.1.1")] == [4, 7]
    assert client.get(address(1) + "/bulkdata/00091010").status_code == 404
    assert client.get(address(1) + "/bulkdata/../../x").status_code in (400, 404)


def _of(client: TestClient, name: str) -> tuple[str, pydicom.Dataset]:
    read = pydicom.dcmread(next(FOLDER.rglob(f"{name}.dcm")))
    return f"{STUDIES}/{read.StudyInstanceUID}/series/{read.SeriesInstanceUID}/instances/{read.SOPInstanceUID}", read


@pytest.mark.parametrize("name", ["JPEG2000", "SC_rgb_rle_2frame", "MR_small_bigendian"])
def test_frames_are_the_values_that_pydicom_decodes(client: TestClient, name: str) -> None:
    path, read = _of(client, name)
    frames = np.atleast_3d(read.pixel_array).reshape(int(read.get("NumberOfFrames", 1)), -1)
    numbers = ",".join(str(number + 1) for number in range(len(frames)))
    found = parts(client.get(f"{path}/frames/{numbers}", headers={"Accept": OCTETS}))
    for mine, theirs in zip(found, frames, strict=True):
        np.testing.assert_array_equal(np.frombuffer(mine, read.pixel_array.dtype.newbyteorder("<")), theirs)


def test_compressed_frames_are_given_as_stored_when_that_is_asked_for(client: TestClient) -> None:
    path, _ = _of(client, "JPEG2000")
    stored = parts(client.get(f"{path}/frames/1", headers={"Accept": 'multipart/related; type="image/jp2"'}))
    assert stored[0][:4] == b"\xff\x4f\xff\x51"
    refused = client.get(f"{path}/frames/1", headers={"Accept": 'multipart/related; type="image/jls"'})
    assert refused.status_code == 406
    assert "image/jp2" in refused.json()["title"]


def test_pictures_have_the_window_and_the_size_that_are_asked_for(client: TestClient) -> None:
    plain = client.get(address(1) + "/rendered", headers={"Accept": "image/png"})
    values = pydicom.dcmread(BytesIO(ct_file(1))).pixel_array.astype(float)
    shown = np.asarray(Image.open(BytesIO(client.get(address(1) + "/rendered?window=40,101", headers={"Accept": "image/png"}).content)))
    np.testing.assert_allclose(shown, np.clip((values - 39.5) / 100 + 0.5, 0, 1) * 255, atol=0.51)
    assert plain.headers["content-type"] == "image/png"
    small = Image.open(BytesIO(client.get(address(1) + "/frames/1/rendered?viewport=8,8").content))
    assert (small.size, small.format) == ((8, 8), "JPEG")
    for path in (address(1) + "/thumbnail", address() + "/thumbnail", _of(client, "SC_rgb_rle_2frame")[0] + "/rendered"):
        assert client.get(path).headers["content-type"] == "image/jpeg"
    for bad in ("window=1", "window=a,b", "viewport=0,5", "quality=500", "window=nan,inf"):
        assert client.get(f"{address(1)}/rendered?{bad}").status_code == 400


def test_an_address_of_nothing_and_an_address_that_is_none(client: TestClient) -> None:
    for path, status in (
        (address(99), 404),
        (address(1, study=99), 404),
        (address(1) + "/frames/2", 404),
        (address(1) + "/frames/0", 400),
        (address(1) + "/frames/1,x", 400),
        (address() + "/instances/*/metadata", 400),
        (f"{STUDIES}/1.2.826.0.1.1/series/1.2.826.0.1.2.1", 404),
    ):
        answer = client.get(path)
        assert answer.status_code == status, path
        assert len(answer.json()["title"]) > 8
    assert client.get(address(1) + "/metadata", headers={"Accept": "application/dicom+xml"}).status_code == 406


def test_a_series_is_one_volume_or_the_reader_says_why_not(client: TestClient) -> None:
    answer = client.get(address() + "/volume.nii.gz")
    assert answer.status_code == 200
    volume = nib.Nifti1Image.from_bytes(gzip.decompress(answer.content))
    slices = [pydicom.dcmread(BytesIO(ct_file(number))).pixel_array for number in range(1, 5)]
    turned = np.stack([slice_.T for slice_ in slices], axis=2)
    np.testing.assert_array_equal(np.asarray(volume.dataobj), turned)
    np.testing.assert_allclose(volume.affine[2], [0, 0, 2, 2])
    assert client.get(address() + "/volume.nii.gz", headers={"If-None-Match": answer.headers["etag"]}).status_code == 304
    plain = client.get(address() + "/volume.nii")
    assert plain.content == gzip.decompress(answer.content)
    assert plain.headers["etag"] != answer.headers["etag"]
    refused = client.get(address(series=3) + "/volume.nii.gz")
    assert refused.status_code == 422
    assert "uneven slice spacing" in refused.json()["title"]
    assert "1.2.826.0.1.1.3." in json.dumps(refused.json())
    assert ".dcm" not in json.dumps(refused.json())


def test_who_may_not_know_a_person_reads_a_key_in_the_place_of_the_name(client: TestClient) -> None:
    app = client.app
    subject = subject_of_person(app.state.service.guard.key, "P1")  # type: ignore[attr-defined]
    other = TestClient(app, base_url="http://localhost")  # without its lifespan: the service runs already
    sign_in(other, app, "modeller", ["modeller"], to=[(subject, "study")])
    rows = other.get("/dicom-web/studies").json()
    assert [row["00100020"]["Value"] for row in rows] == [[subject]]
    assert "00100010" not in rows[0]
    assert other.get("/dicom-web/studies?PatientName=Curie*").json() == []
    assert other.get("/dicom-web/studies?PatientID=P1").json() == []
    assert other.get(address(1) + "/rendered").status_code == 200
    for path in (address(1), address(1) + "/metadata", address(1) + "/bulkdata/00100010"):
        assert other.get(path).status_code == 403
    assert other.get(address(1, study=2) + "/rendered").status_code == 404


def test_nothing_is_given_to_nobody(client: TestClient) -> None:
    nobody = TestClient(client.app, base_url="http://localhost")  # without its lifespan: the service runs already
    for path in (STUDIES, address(), address(1) + "/rendered", address() + "/volume.nii.gz"):
        assert nobody.get(path).status_code == 401
    assert nobody.post(STUDIES, content=body([ct_file(1)]), headers=HEADERS).status_code == 401


def test_rows_beyond_a_page_are_found_too(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "_PAGE", 2)
    assert len(client.get("/dicom-web/studies/1.2.826.0.1.1/instances?limit=3&offset=3").json()) == 3
    assert len(client.get("/dicom-web/studies/1.2.826.0.1.1/instances?offset=5").json()) == 2
