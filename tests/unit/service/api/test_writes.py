"""What changes a twin over the network: the same events as from the command line, by the caller, on the version that was looked at."""

import shutil
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.testclient import TestClient

from gemel import flow
from gemel import store as stores
from gemel.service.security import care
from gemel.store import Event, Store
from tests.unit.flow import heights
from tests.unit.service.entered import HERE, sign_in

WHENEVER = ("version", "known_s", "previous", "hash", "inputs")


def asked(client: TestClient, twin: str, verb: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The job of a verb, once it is over."""
    version = client.get(f"/api/twins/{twin}").headers["etag"]
    answer = client.post(f"/api/twins/{twin}/{verb}", json=body or {}, headers={"If-Match": version})
    assert answer.status_code == 202, answer.text
    return over(client, answer.json()["job"])


def over(client: TestClient, job: str) -> dict[str, Any]:
    until = time.monotonic() + 20.0
    while (found := client.get(f"/api/jobs/{job}").json())["state"] not in ("done", "failed"):
        assert time.monotonic() < until, found
        time.sleep(0.02)
    return dict(found)


def said(event: Event) -> dict[str, Any]:
    """What an event says, whenever it was said."""
    return {name: value for name, value in vars(event).items() if name not in WHENEVER}


def test_a_verb_writes_the_event_that_the_command_line_would(
    client: TestClient, tower: Store, files: Path, twin: str, tmp_path: Path
) -> None:
    heights.live(tower, twin, files, (3,), acting=False)
    shutil.copytree(tmp_path / "tower", tmp_path / "again")
    with stores.open(tmp_path / "again" / "heights.db") as other:
        flow.decide(other, twin, actor="ada")
        flow.act(other, twin, "level-1", actor="ada", note="because", amount=None)
        flow.retract(other, twin, 4, "a wrong scan", actor="ada")
        expected = [said(e) for e in other.events(twin)]
    decided = asked(client, twin, "decide")
    assert (decided["state"], decided["actor"], decided["twin"]) == ("done", "ada", twin), decided
    assert decided["result"]["recommended"] == expected[decided["result"]["version"] - 1]["payload"]["recommended"]
    assert asked(client, twin, "act", {"plan": "level-1", "note": "because"})["state"] == "done"
    assert asked(client, twin, "retract", {"event": "4", "reason": "a wrong scan"})["state"] == "done"
    found = [said(e) for e in tower.events(twin)]
    assert [(e["kind"], e["actor"]) for e in found] == [(e["kind"], e["actor"]) for e in expected]
    for mine, theirs in zip(found, expected, strict=True):
        links = ("scan", "day", "replaces", "forecast", "doses", "draws")
        assert {k: v for k, v in mine["payload"].items() if k not in links and k != "action"} == {
            k: v for k, v in theirs["payload"].items() if k not in links and k != "action"
        }
    assert asked(client, twin, "recompute")["result"]["made"] > 0
    assert client.get(f"/api/twins/{twin}").json()["tainted"] is False


def test_a_change_names_the_version_it_rests_on(client: TestClient, tower: Store, twin: str) -> None:
    place, version = f"/api/twins/{twin}/decide", tower.version(twin)
    missing = client.post(place, json={})
    assert (missing.status_code, "If-Match" in missing.json()["title"]) == (428, True)
    stale = client.post(place, json={}, headers={"If-Match": f'"{version - 1}"'})
    assert stale.status_code == 412
    assert f"version {version - 1}, where the twin is at {version}" in stale.json()["title"]
    for header in ("*", "x", '"9999999999999999999999"', '"-1"', b"\xc2\xb2"):
        assert client.post(place, json={}, headers={"If-Match": header}).status_code == 422, header
    assert tower.version(twin) == version


def test_of_two_who_rest_on_one_version_the_second_fails_in_words(client: TestClient, tower: Store, twin: str) -> None:
    version = {"If-Match": client.get(f"/api/twins/{twin}").headers["etag"]}
    jobs = [client.post(f"/api/twins/{twin}/decide", json={}, headers=version).json() for _ in range(2)]
    first = over(client, jobs[0]["job"])
    assert first["state"] == "done"
    if "job" in jobs[1]:  # asked before the first was done: refused when its turn comes
        second = over(client, jobs[1]["job"])
        assert second["state"] == "failed"
        assert "look at the twin again" in second["error"]
    assert [e.kind for e in tower.events(twin)].count("Decided") == 3


REFUSED: tuple[tuple[str, Any], ...] = (
    ("act", {}),
    ("act", {"plan": "level 1", "amount": -1}),
    ("act", {"plan": "level 1", "amount": "much"}),
    ("act", {"plan": "a\x00b"}),
    ("act", {"plan": "level 1", "note": "x" * 2001}),
    ("act", {"plan": "level 1", "surprise": 1}),
    ("act", {"plan": "level 1", "time": "<script>"}),
    ("act", {"plan": ["level 1"]}),
    ("act", [1]),
    ("retract", {"event": "1"}),
    ("retract", {"event": "../1", "reason": "x"}),
    ("retract", {"event": 1, "reason": "  "}),
    ("decide", {"override": 1}),
    ("prepare", {"k": 0}),
    ("prepare", {"k": 10**400}),
    ("observe", {"series": "1.2; rm"}),
    ("observe", {}),
)


def test_bad_bodies_are_refused_in_words_before_they_are_jobs(client: TestClient, twin: str) -> None:
    version = {"If-Match": client.get(f"/api/twins/{twin}").headers["etag"]}
    for verb, body in REFUSED:
        answer = client.post(f"/api/twins/{twin}/{verb}", json=body, headers=version)
        assert answer.status_code == 422, (verb, body, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
    assert client.get("/api/jobs").json()["jobs"] == []


NO_JSON = (b"", b"{", b'{"plan": NaN}', b'{"plan": "\\ud800"}', b'{"\\ud800": 1}', b"\xff\xfe", b"[" * 10000)


def test_bodies_that_are_no_json_are_refused(client: TestClient, twin: str) -> None:
    headers = {"If-Match": client.get(f"/api/twins/{twin}").headers["etag"], "Content-Type": "application/json"}
    for body in NO_JSON:
        answer = client.post(f"/api/twins/{twin}/act", content=body, headers=headers)
        assert answer.status_code in (400, 422), (body[:20], answer.text)


def test_what_flow_refuses_fails_the_job_in_its_words(client: TestClient, twin: str) -> None:
    job = asked(client, twin, "act", {"plan": "a plan that is none"})
    assert job["state"] == "failed"
    assert "no plan 'a plan that is none'" in job["error"]
    assert "choose from" in job["error"]


def test_a_viewer_may_look_and_not_change(app: FastAPI, client: TestClient, twin: str) -> None:
    subject = client.get("/api/twins").json()["twins"][0]["subject"]
    version = client.get(f"/api/twins/{twin}").headers["etag"]
    viewer, stranger = (TestClient(app, base_url=HERE) for _ in range(2))
    sign_in(viewer, app, "bob", ["viewer"], to=[(subject, care.CARE)])
    sign_in(stranger, app, "eve", ["viewer"])
    assert viewer.get(f"/api/twins/{twin}").status_code == 200
    for verb in ("decide", "act", "retract", "recompute", "prepare", "observe"):
        refused = viewer.post(f"/api/twins/{twin}/{verb}", json={}, headers={"If-Match": version})
        assert refused.status_code == 403, verb
    assert stranger.get("/api/twins").json() == {"total": 0, "twins": []}
    assert stranger.get(f"/api/twins/{twin}").status_code == 404
    assert stranger.get("/api/ledger", params={"by": "patient"}).json()["rows"] == []


class Archived:
    """An archive with the scans of the twin's patient, and one of somebody else."""

    def __init__(self, files: Path) -> None:
        self.series = {"1.2.1": ("day_3", "P-471147", "HOSPITAL"), "1.2.2": ("day_4", "P-471147", "HOSPITAL"), "9.9": ("ct", "P-2", "X")}
        self.files = files

    def find(self, level: str, filters: Mapping[str, str], *, limit: int, offset: int) -> list[Mapping[str, str]]:
        rows = [self._row(uid) for uid in self.series]
        return [row for row in rows if all(row[name] == value for name, value in filters.items())][:limit]

    def _row(self, uid: str) -> Mapping[str, str]:
        name, patient, issuer = self.series[uid]
        row = {"SeriesInstanceUID": uid, "StudyInstanceUID": uid.rpartition(".")[0], "Modality": "CT", "SeriesDate": name[-1]}
        return row | {"PatientID": patient, "IssuerOfPatientID": issuer}

    def export(self, uid: str, folder: Path) -> None:
        for file in (self.files / self.series[uid][0]).iterdir():
            shutil.copy(file, folder)


def test_a_scan_of_the_archive_is_observed(app: FastAPI, client: TestClient, tower: Store, files: Path, twin: str) -> None:
    held, archive = app.state.service, Archived(files)
    app.state.service = replace(held, archive=archive)
    held.jobs.export = archive.export
    job = asked(client, twin, "observe", {"series": "1.2.1"})
    assert job["state"] == "done", job
    assert [e.valid_s for e in tower.events(twin) if e.kind == "Observed"][-1] == heights.day_s(3)
    assert asked(client, twin, "observe", {"study": "1.2"})["state"] == "done"  # its newest series
    assert [e.valid_s for e in tower.events(twin) if e.kind == "Observed"][-1] == heights.day_s(4)
    version = {"If-Match": client.get(f"/api/twins/{twin}").headers["etag"]}
    assert client.post(f"/api/twins/{twin}/observe", json={"series": "3.3"}, headers=version).status_code == 404
    subject = client.get("/api/twins").json()["twins"][0]["subject"]
    dan = TestClient(app, base_url=HERE)
    sign_in(dan, app, "dan", ["physician"], to=[(subject, care.CARE)])
    version = {"If-Match": dan.get(f"/api/twins/{twin}").headers["etag"]}
    refused = dan.post(f"/api/twins/{twin}/observe", json={"series": "9.9"}, headers=version)  # another patient's
    assert refused.status_code == 404, refused.text
    wrong = asked(client, twin, "observe", {"series": "9.9"})
    assert wrong["state"] == "failed"
    made = client.post("/api/twins", json={"system": "height", "series": ["9.9"]})
    assert over(client, made.json()["job"])["state"] == "done"
    assert client.get("/api/twins").json()["total"] == 1  # the same files make the same twin
