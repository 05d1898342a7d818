"""The loop through a running service: a PACS sends, rules have it observed and decided, results go back, and nothing happens twice."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from pydicom import dcmread

from gemel import io, store
from gemel.core.time import DAY_S, iso, seconds
from gemel.flow.demos.prostate import IDENTITY
from gemel.flow.demos.prostate import START as PLANNED
from gemel.flow.results import results
from gemel.service.node.rules import Peer
from gemel.service.node.scu import Ours
from gemel.service.node.sending_store import item_of
from gemel.service.node.sending_store import store as send
from gemel.systems.prostate_radiotherapy.day import cbct_of, virtual_patient
from tests.serving import Served, serving, signed_in
from tests.unit.service.glioma_visits import START, visit
from tests.unit.service.node_peers import ORTHANC, orthanc

NODE = """
[node]
settle_s = 0.3
retry_s = 1.0
[[destination]]
name = "pacs"
aet = "ORTHANC"
host = "127.0.0.1"
port = {port}
send = ["SR", "SEG", "PDF", "RTSTRUCT", "RTDOSE", "RTPLAN", "REG", "PM", "CT"]
"""
GLIOMA = """
[[rule]]
name = "first visit"
when = "Modality=SEG"
then = "new"
kind = "mri"
system = "glioma"
options = { concurrent = true, radiotherapy = "2026-03-23T09:00:00" }
[[rule]]
name = "later visit"
when = "Modality=SEG"
then = "observe"
kind = "mri"
system = "glioma"
and_then = ["decide"]
"""
PROSTATE = """
[[rule]]
name = "daily"
when = "Modality=CT and SeriesDescription~'*CBCT*'"
then = "observe"
kind = "cbct"
system = "prostate"
and_then = ["decide"]
[[rule]]
name = "planning"
when = "Modality=RTSTRUCT"
then = "new"
kind = "structures"
system = "prostate"
beside = { ct = "Modality=CT and SeriesDescription~'*pelvis*'" }
and_then = ["prepare"]
"""
pytestmark = pytest.mark.skipif(not ORTHANC.exists(), reason="Orthanc is not installed: apt-get install orthanc")


@pytest.fixture
def pacs(tmp_path: Path) -> Iterator[tuple[Peer, str]]:
    with orthanc(tmp_path, {}) as there:
        yield there


def until(true: Callable[[], Any], within_s: float = 240.0) -> Any:
    end_s = time.monotonic() + within_s
    while not (found := true()) and time.monotonic() < end_s:
        time.sleep(0.1)
    assert found
    return found


def sent(files: list[Path], served: Served) -> None:
    """As a modality sends them; until the node listens, it is tried again."""
    items, here = [item_of(path) for path in files], Peer("GEMEL", "127.0.0.1", served.dicom_port)
    assert all(end.stored for end in send(items, here, Ours("MODALITY", connect_s=3.0)))


def idle(client: httpx.Client, jobs: int) -> bool:
    """Whether so many jobs were asked for, and all have ended well."""
    listed = client.get("/api/jobs").json()["jobs"]
    assert not [job for job in listed if job["state"] == "failed"], listed
    return len(listed) == jobs and all(job["state"] == "done" for job in listed)


def held(url: str) -> dict[str, bytes]:
    """Objects of a PACS by SOPInstanceUID, each as its data set's bytes."""
    files = [httpx.get(f"{url}/instances/{name}/file").content for name in httpx.get(f"{url}/instances").json()]
    return {uid_of(data): body(data) for data in files}


def uid_of(data: bytes) -> str:
    return str(dcmread(BytesIO(data), specific_tags=[]).file_meta.MediaStorageSOPInstanceUID)


def body(data: bytes) -> bytes:
    """A Part 10 file without its preamble and meta information, which each archive writes for itself (PS3.10 §7.1)."""
    length = int.from_bytes(data[140:144], "little")
    return data[144 + length :]


def all_there(record: Path, url: str, folder: Path) -> bool:
    """Whether the PACS holds all results of the twin as they are now, byte for byte."""
    there = held(url)
    with store.open(str(record), create=False) as opened:
        (twin,) = opened.twins()
        made = results(opened, twin, folder, opened.events(twin)[-1].known_s)
    return all(there.get(uid_of(path.read_bytes())) == body(path.read_bytes()) for path in made)


def test_visits_that_a_PACS_sends_become_a_twin_a_decision_and_results(tmp_path: Path, pacs: tuple[Peer, str]) -> None:
    """Segmentations of two days: a twin by the first rule, observed and decided on by the second; the same again changes nothing."""
    files = [visit(tmp_path, seconds(START) + day * DAY_S) for day in (0, 14)]
    (config := tmp_path / "gemel.toml").write_text(NODE.format(port=pacs[0].port) + GLIOMA)
    with serving(tmp_path / "twins.db", "--config", str(config)) as served, closing(signed_in(served)) as client:
        until(lambda: client.get("/api/node").json()["port"])
        sent(files[:1], served)
        until(lambda: idle(client, 1))
        (twin,) = client.get("/api/twins").json()["twins"]
        sent(files[1:], served)
        until(lambda: idle(client, 3))
        shown = client.get(f"/api/twins/{twin['id']}/decision").json()
        assert shown["recommended"] in {option["name"] for option in shown["options"]}
        report = client.get(f"/api/twins/{twin['id']}/report")
        assert report.headers["content-disposition"].startswith("attachment")
        assert "sandbox" in report.headers["content-security-policy"]
        assert shown["recommended"] in report.text
        until(lambda: all_there(tmp_path / "twins.db", pacs[1], tmp_path / "made"))
        version, count = client.get("/api/twins").json()["twins"][0]["version"], len(held(pacs[1]))
        sent(files, served)  # the same series again
        time.sleep(2.0)
        assert (client.get("/api/twins").json()["twins"][0]["version"], len(held(pacs[1]))) == (version, count)
        assert idle(client, 3)
        rows = client.get("/api/audit?limit=500").json()["rows"]
        told = [row for row in rows if row["action"] == "dicom:send"]
        assert {row["place"] for row in told} == {f"ORTHANC@127.0.0.1:{pacs[0].port}"}
        assert {subject for row in told for subject in row["subjects"]} == {twin["subject"]}
        assert {"asked", "2 of 2 stored"} <= {row["outcome"] for row in told}


@pytest.mark.full
def test_the_digital_pelvis_is_planned_seen_and_decided_on_by_rules_alone(tmp_path: Path, pacs: tuple[Peer, str]) -> None:
    """Contours before their images, a scan before its twin, half a series; every result comes back from the PACS as it was made."""
    patient = virtual_patient(1, np.random.default_rng(20261))
    series = io.write_image(tmp_path / "ct", patient.ct, IDENTITY, description="digital pelvis", acquired=PLANNED)
    io.write_structures(tmp_path / "RTSTRUCT.dcm", patient.structures, series, label="PLANNING")
    when, image = iso(seconds(PLANNED) + DAY_S).removesuffix("Z"), cbct_of(patient, 0, np.random.default_rng(1))
    io.write_image(tmp_path / "cbct", image, IDENTITY, description="simulated CBCT", acquired=when)
    (config := tmp_path / "gemel.toml").write_text(NODE.format(port=pacs[0].port) + PROSTATE)
    planning, day = (sorted((tmp_path / name).iterdir()) for name in ("ct", "cbct"))
    with serving(tmp_path / "twins.db", "--config", str(config)) as served, closing(signed_in(served)) as client:
        until(lambda: client.get("/api/node").json()["port"])
        sent(day, served)
        sent([tmp_path / "RTSTRUCT.dcm"], served)
        sent(planning[:20], served)
        time.sleep(0.1)
        sent(planning[20:], served)
        until(lambda: idle(client, 4), 900.0)
        (twin,) = client.get("/api/twins").json()["twins"]
        assert client.get(f"/api/twins/{twin['id']}/decision").json()["recommended"]
        until(lambda: all_there(tmp_path / "twins.db", pacs[1], tmp_path / "made"), 300.0)
        until(lambda: client.get(f"/api/twins/{twin['id']}").json()["badge"] == "shadow")
