"""What may be read of a twin: each answer against what the verbs of `flow` say, its names and its times."""

import gzip
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from fastapi import FastAPI
from starlette.testclient import TestClient

from gemel import flow
from gemel.service.api.reading import Reading
from gemel.store import Store
from tests.unit.flow import heights

PARTS = ("", "/events", "/images", "/charts", "/decision", "/plans", "/ledger", "/provenance")


def get(client: TestClient, path: str, **asked: Any) -> Any:
    answer = client.get(path, **asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_list_and_the_overview_say_what_the_command_line_says(client: TestClient, tower: Store, twin: str) -> None:
    held = flow.show(tower, twin)
    found = get(client, "/api/twins")
    row = found["twins"][0]
    assert found["total"] == 1
    assert (row["id"], row["badge"], row["version"], row["last_scan"]) == (twin, "twin", held.version, "2026-03-04T09:00:00Z")
    assert (row["next_at"], row["tainted"], row["url"]) == (held.next_at, False, f"/twins/{twin}")
    assert len(row["subject"]) == 32
    assert "P-471147" not in str(found)
    told = get(client, f"/api/twins/{twin}")
    assert (told["belief"], told["version"], told["next_at"]) == (held.belief, held.version, held.next_at)
    assert [(e["name"], e["median"], e["low"], e["high"]) for e in told["expected"]] == [
        (e.name, e.median, e.low, e.high) for e in held.expected
    ]


def test_the_list_is_searched_and_paged(client: TestClient, twin: str) -> None:
    assert get(client, "/api/twins", params={"q": twin[-6:].upper()})["total"] == 1
    assert get(client, "/api/twins", params={"q": "nobody"})["twins"] == []
    assert get(client, "/api/twins", params={"system": "glioma"})["total"] == 0
    assert get(client, "/api/twins", params={"offset": 1}) == {"total": 1, "twins": []}


def test_a_twin_as_it_was_is_not_the_twin_as_it_is(client: TestClient, tower: Store, twin: str) -> None:
    was = get(client, f"/api/twins/{twin}", params={"as_of": "2026-03-03T12:00:00Z"})
    held = flow.show(tower, twin, as_of_s=heights.day_s(1) + 3 * 3600)
    assert (was["belief"], was["version"]) == (held.belief, held.version)
    assert was["belief"] != get(client, f"/api/twins/{twin}")["belief"]
    known = get(client, f"/api/twins/{twin}", params={"known_at": "2026-03-07T16:13:25Z"})
    assert known["version"] < get(client, f"/api/twins/{twin}")["version"]


def test_an_answer_that_is_held_is_not_sent_again_until_the_twin_changes(client: TestClient, tower: Store, files: Path, twin: str) -> None:
    first = {part: client.get(f"/api/twins/{twin}{part}") for part in PARTS}
    for part, answer in first.items():
        assert answer.headers["etag"] == f'"{tower.version(twin)}"'
        again = client.get(f"/api/twins/{twin}{part}", headers={"If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b""), part
    heights.live(tower, twin, files, (3,))
    for part, answer in first.items():
        after = client.get(f"/api/twins/{twin}{part}", headers={"If-None-Match": answer.headers["etag"]})
        assert (after.status_code, after.headers["etag"]) == (200, f'"{tower.version(twin)}"'), part
        assert after.content != answer.content or part in ("/images", "/plans"), part


def test_an_answer_is_computed_once_for_all_who_ask(app: FastAPI, client: TestClient, twin: str) -> None:
    reading: Reading = app.state.reading
    get(client, f"/api/twins/{twin}/charts")
    before = dict(reading.known)
    get(client, f"/api/twins/{twin}/charts")
    assert reading.known.keys() == before.keys()
    assert all(reading.known[name] is before[name] for name in before)


def test_a_retraction_in_another_twin_makes_every_answer_new(client: TestClient, tower: Store, files: Path, twin: str) -> None:
    first = client.get(f"/api/twins/{twin}").headers["etag"]
    other = tower.append("other", "Ingested", {"uid": "1.2"})
    tower.retract(other, "a wrong object")
    again = client.get(f"/api/twins/{twin}", headers={"If-None-Match": first})
    assert again.status_code == 200
    assert again.headers["etag"].startswith(f'"{tower.version(twin)}.')


def test_the_events_tell_what_no_longer_counts(client: TestClient, tower: Store, twin: str) -> None:
    rows = get(client, f"/api/twins/{twin}/events")["events"]
    assert [row["version"] for row in rows] == list(range(1, tower.version(twin) + 1))
    assert all(row["counts"] for row in rows)
    assert {row["actor"] for row in rows} == {"NIGHTINGALE"}
    scan = next(row for row in rows if row["kind"] == "Observed")
    flow.retract(tower, twin, scan["version"], "another patient's scan")
    after = get(client, f"/api/twins/{twin}/events")["events"]
    assert not after[scan["version"] - 1]["counts"]
    assert after[-1]["counts"]
    told = get(client, f"/api/twins/{twin}")
    assert told["tainted"]
    assert "rests on withdrawn data" in told["taint_words"]


def test_images_come_as_nifti_that_lies_where_the_patient_lies(client: TestClient, twin: str) -> None:
    found = get(client, f"/api/twins/{twin}/images")
    row = found["images"][0]
    assert (row["name"], row["role"], row["unit"]) == ("CT, planning", "scan", "HU")
    answer = client.get(row["url"])
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["etag"] == f'"{row["key"]}"'
    volume = nib.Nifti1Image.from_bytes(gzip.decompress(answer.content))
    image = heights.image_of(0.0)
    assert volume.get_data_dtype() == np.int16
    np.testing.assert_array_equal(np.asarray(volume.dataobj), image.array)
    np.testing.assert_allclose(volume.affine, np.diag([-1, -1, 1, 1]) @ image.affine_mm)
    assert client.get(row["url"], headers={"If-None-Match": f'"{row["key"]}"'}).status_code == 304


def test_a_volume_of_one_twin_is_not_found_under_another(client: TestClient, tower: Store, files: Path, twin: str) -> None:
    from gemel import io

    io.write_image(files / "other_ct", heights.image_of(1.0, 7), io.Identity("P-2"), acquired=heights.START)
    other = flow.new(tower, "height", files / "other_ct")
    row = get(client, f"/api/twins/{twin}/images")["images"][0]
    assert client.get(row["url"]).status_code == 200
    assert client.get(row["url"].replace(twin, other)).status_code == 404


def test_nothing_of_an_erased_twin_is_shown_or_kept(app: FastAPI, client: TestClient, tower: Store, tmp_path: Path, twin: str) -> None:
    row = get(client, f"/api/twins/{twin}/images")["images"][0]
    client.get(row["url"])
    held = list((tmp_path / "service" / "cache" / "volumes").glob("*/*.nii.gz"))
    assert len(held) == 1
    flow.erase(tower, twin, "asked to")
    assert client.get(row["url"]).status_code == 404
    assert not held[0].exists()
    for part in PARTS:
        assert client.get(f"/api/twins/{twin}{part}").status_code in ((200,) if part in ("/events", "/provenance") else (404,))


def test_the_decision_the_plans_and_what_was_given(client: TestClient, tower: Store, twin: str) -> None:
    decided = [e for e in tower.events(twin) if e.kind == "Decided"][-1]
    found = get(client, f"/api/twins/{twin}/decision")
    assert (found["recommended"], found["version"], found["unit"]) == (decided.payload["recommended"], decided.version, "mm")
    assert [o["name"] for o in found["options"]] == [o["name"] for o in decided.payload["options"]]
    assert found["given"]["plan"] == decided.payload["recommended"]
    assert found["given"]["actor"] == "NIGHTINGALE"
    assert found["recommended"] in get(client, f"/api/twins/{twin}/plans")["plans"]
    before = get(client, f"/api/twins/{twin}/decision", params={"as_of": "2026-03-02T10:00:00Z"})
    assert before is None


def test_the_ledger_holds_each_scan_against_its_forecast(client: TestClient, tower: Store, twin: str) -> None:
    scans = get(client, f"/api/twins/{twin}/ledger")["scans"]
    events = [e for e in tower.events(twin) if e.kind == "Assimilated"]
    assert [c["rank"] for scan in scans for c in scan["components"]] == [
        rank for e in events for ranks in e.payload["ranks"].values() for rank in np.ravel(ranks)
    ]
    held = get(client, "/api/ledger", params={"by": "patient"})
    assert {row["of"] for row in held["rows"]} == {twin}
    assert held["trust"][0]["trusted"]
    assert sum(len(ranks) for ranks in held["ranks"].values()) == len(scans)


def test_provenance_leads_from_the_decision_to_the_images(client: TestClient, tower: Store, twin: str) -> None:
    decided = [e for e in tower.events(twin) if e.kind == "Decided"][-1]
    found = get(client, f"/api/twins/{twin}/provenance", params={"event": str(decided.version)})
    kinds = {node["id"]: node["kind"] for node in found["nodes"]}
    behind, pending = set[str](), [decided.hash]
    while pending:
        name = pending.pop()
        behind.add(name)
        pending += [source for source, target in found["edges"] if target == name and source not in behind]
    assert sum(kinds[name] == "original" for name in behind) == 3  # planning and two scans
    assert kinds[decided.hash] == "decision"
    assert all(edge[0] in kinds and edge[1] in kinds for edge in found["edges"])


def test_charts_of_a_system_without_a_page_are_the_decision_and_the_ledger(client: TestClient, twin: str) -> None:
    found = get(client, f"/api/twins/{twin}/charts")
    assert [chart["title"] for chart in found["charts"]] == ["Readouts of the options", "Forecasts against scans"]
    scan = found["charts"][1]["panels"][0]["traces"][1]
    assert scan["points"]
    assert len(scan["x"]) == len(scan["y"]) == len(scan["low"]) == 2


def test_the_rest_answers_for_an_empty_house(client: TestClient) -> None:
    assert get(client, "/api/cohorts") == {"cohorts": []}
    assert get(client, "/api/scanners") == {"scanners": []}
    assert get(client, "/api/jobs") == {"jobs": []}
    assert get(client, "/api/queue") == {"received": [], "jobs": []}
    assert get(client, "/api/node")["disk_free_bytes"] > 0
    assert [row["name"] for row in get(client, "/api/models")["models"]] == ["height"]
    assert "# " in get(client, "/api/models/height")["card_markdown"]


REFUSED = (
    ("/api/twins/nobody", 404),
    ("/api/twins/nobody/images", 404),
    ("/api/twins/%F0%9F%92%A9", 404),
    ("/api/twins?limit=0", 422),
    ("/api/twins?limit=501", 422),
    ("/api/twins?offset=-1", 422),
    ("/api/twins?offset=1e400", 422),
    ("/api/twins/TWIN?as_of=yesterday", 422),
    ("/api/twins/TWIN?as_of=1999-01-01", 422),
    ("/api/twins/TWIN?known_at=0001-01-01T00:00:00%2B23:59", 422),
    ("/api/twins/TWIN?as_of=9999-12-31T23:59:59-23:59", 422),
    ("/api/twins/TWIN/provenance?event=12345678", 422),
    ("/api/twins/TWIN/provenance?event=../..", 422),
    ("/api/twins/TWIN/isodose/" + "0" * 40, 404),
    ("/api/twins/TWIN/isodose/" + "0" * 40 + "?of_Gy=NaN", 422),
    ("/api/twins/TWIN/volumes/" + "0" * 40 + ".nii.gz", 404),
    ("/api/twins/TWIN/volumes/..%2F..%2Fetc.nii.gz", 404),
    ("/api/ledger?by=ward", 422),
    ("/api/cohorts/nothing", 404),
    ("/api/models/nothing", 404),
    ("/api/jobs/" + "0" * 32, 404),
    ("/api/jobs/1", 422),
)


def test_bad_requests_are_refused_in_words(client: TestClient, twin: str) -> None:
    for path, status in REFUSED:
        answer = client.get(path.replace("TWIN", twin))
        assert answer.status_code == status, (path, answer.text)
        told = answer.json()
        assert answer.headers["content-type"] == "application/problem+json", path
        assert all((told["title"], told["remedy"])), path
        assert not any(word in answer.text for word in ("Traceback", "/tmp")), path
