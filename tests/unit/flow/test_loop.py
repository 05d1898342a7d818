"""The loop runs, knows what it holds, and can be told again from its record alone."""

import json
from pathlib import Path

import numpy as np
import pydicom
import pytest

from gemel import flow, io, store
from gemel.core.badge import badge
from gemel.core.packing import unpack
from gemel.devices.proton import Machine
from gemel.engines.dose import forward
from gemel.flow.report import NOTICE
from gemel.flow.session import belief_digest, open_session
from gemel.store import Event, Store
from gemel.systems.prostate_radiotherapy.case import rsp_of
from tests.unit.flow.life import DRAWS, IDENTITY, Life, START_s, copied, day_s


def of_kind(store: Store, life: Life, kind: str) -> list[Event]:
    return [event for event in store.events(life.id) if event.kind == kind]


def test_the_record_tells_the_loop_in_its_order(lived: Store, life: Life) -> None:
    day = ["Forecast", "Observed", "Assimilated"]
    chosen = ["Decided", "Acted"]
    assert [e.kind for e in lived.events(life.id)] == ["Ingested", "Promoted", *day, *chosen, *day, "Outcome", *chosen]
    assert {e.actor for e in lived.events(life.id)} == {"test"}
    assert lived.leases() == []


def test_the_badge_goes_from_model_over_shadow_to_twin(life: Life) -> None:
    steps = ["prepare", "observe 1", "act 1", "observe 2", "act 2"]
    assert [life.seen[step][0] for step in steps] == ["model", "shadow", "shadow", "twin", "twin"]


def test_show_as_of_a_day_gives_the_belief_of_that_day(lived: Store, life: Life) -> None:
    then = flow.show(lived, life.id, as_of_s=day_s(1))
    assert then.belief == life.seen["observe 1"][1]
    assert (then.badge, then.at) == ("shadow", "2026-03-03T09:00:00Z")
    before = flow.show(lived, life.id, as_of_s=np.nextafter(day_s(1), 0.0))
    assert (before.badge, before.belief) == life.seen["prepare"]
    assert len({then.belief, before.belief, flow.show(lived, life.id).belief}) == 3


def test_show_known_at_a_time_leaves_out_what_became_known_later(lived: Store, life: Life) -> None:
    first, second = of_kind(lived, life, "Assimilated")
    assert first.known_s < second.known_s
    known = flow.show(lived, life.id, known_at_s=first.known_s)
    assert (known.badge, known.belief) == life.seen["observe 1"]


def test_the_record_verifies_with_every_artefact(lived: Store, life: Life) -> None:
    assert lived.check(lived.head(), artefacts=True) == []
    named = [e.payload[key] for e in lived.events(life.id) for key in ("case", "library", "forecast", "day", "doses") if key in e.payload]
    assert len(named) >= 7
    for event in lived.events(life.id):
        assert set(event.outputs) == set(event.kept)


def test_a_twin_rebuilt_from_its_events_believes_what_was_recorded(lived: Store, life: Life) -> None:
    session = open_session(lived, life.id)
    assert belief_digest(session.twin.belief) == of_kind(lived, life, "Assimilated")[-1].payload["belief"] == life.seen["act 2"][1]
    assert session.badge == badge(session.twin.record) == "twin"
    assert list(session.library.names) == of_kind(lived, life, "Promoted")[0].payload["plans"]


def test_the_forecast_is_frozen_before_the_scan_that_tests_it(lived: Store, life: Life) -> None:
    frozen, observed = of_kind(lived, life, "Forecast"), of_kind(lived, life, "Observed")
    assert len(frozen) == len(observed) == 2
    for ahead, seen in zip(frozen, observed):
        assert ahead.version < seen.version
        assert ahead.hash in seen.inputs
        assert ahead.known_s < seen.known_s
        assert ahead.payload["made_s"] < seen.valid_s == ahead.payload["for_s"]
    assert [e.payload["forecast"] for e in of_kind(lived, life, "Assimilated")] == [e.hash for e in frozen]


def test_the_frozen_forecast_is_that_of_the_belief_before_the_scan(lived: Store, life: Life) -> None:
    for day, ahead in enumerate(of_kind(lived, life, "Forecast")):
        shown = {row.name: row for row in flow.show(lived, life.id, as_of_s=day_s(day)).expected}
        for kind in ("ln_bladder_ratio", "ln_rectum_ratio", "rotation_deg"):
            low, high = ahead.payload["interval_90"][kind]
            assert (shown[kind].low, shown[kind].high) == (low[0], high[0])


def test_what_was_given_is_an_action_with_its_source(lived: Store, life: Life) -> None:
    decided, acted = of_kind(lived, life, "Decided"), of_kind(lived, life, "Acted")
    for choice, given in zip(decided, acted, strict=True):
        assert given.payload["plan"] == choice.payload["recommended"]
        assert given.payload["action"]["source"] == choice.hash
        assert given.inputs == (choice.hash,)
    outcome = of_kind(lived, life, "Outcome")[0]
    assert outcome.inputs == (acted[0].hash, of_kind(lived, life, "Observed")[1].hash)


def test_a_decision_is_on_the_newest_scan_and_gives_draws_for_each_plan(lived: Store, life: Life) -> None:
    last = of_kind(lived, life, "Decided")[-1]
    assert last.payload["scan"] == of_kind(lived, life, "Observed")[-1].hash == last.inputs[0]
    draws = lived.artefacts.get_arrays(last.payload["draws"])
    assert {name.partition("/")[0] for name in draws} == set(open_session(lived, life.id).library.names)
    assert {len(values) for values in draws.values()} == {DRAWS}
    best = last.payload["options"][0]
    assert best["name"] == last.payload["recommended"]
    assert {option["name"] for option in last.payload["options"]} == set(open_session(lived, life.id).library.names)


def test_new_on_the_same_files_is_the_same_twin_and_adds_nothing(begun: Store, life: Life) -> None:
    head = begun.head()
    assert flow.new(begun, "prostate", life.ct, life.structures) == life.id
    assert begun.head() == head


def test_the_originals_are_kept_by_their_content(begun: Store, life: Life) -> None:
    ingested = begun.events(life.id)[0]
    files = [*sorted(life.ct.iterdir()), life.structures]
    assert [begun.artefacts.get(name) for name in ingested.inputs] == [file.read_bytes() for file in files]
    assert ingested.valid_s == START_s


@pytest.mark.usefixtures("quick")
def test_a_late_scan_is_assimilated_in_the_order_of_time(prepared: Store, life: Life, tmp_path: Path) -> None:
    flow.observe(prepared, life.id, life.cbct(2))
    alone = flow.show(prepared, life.id).belief
    late = flow.observe(prepared, life.id, life.cbct(1))
    with copied(life, "prepared", tmp_path / "in_order") as other:
        first, second = (flow.observe(other, life.id, life.cbct(day)) for day in (1, 2))
    assert late.valid_s == first.valid_s == day_s(1)
    assert late.payload["belief"] == flow.show(prepared, life.id).belief == second.payload["belief"] != alone
    assert flow.show(prepared, life.id, as_of_s=day_s(1)).belief == first.payload["belief"] == life.seen["observe 1"][1]
    assert of_kind(prepared, life, "Forecast")[-1].payload["made_s"] == START_s
    assert late.payload["crps"] == first.payload["crps"]  # judged by the forecast of what was known of the days before it


@pytest.fixture(scope="module")
def written(life: Life, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a report."""
    folder = tmp_path_factory.mktemp("report")
    with store.open(life.folder / "lived" / "twins.db", create=False) as record:
        head = record.head()
        page = flow.report(record, life.id, folder / "out", made_s=day_s(3))
        assert record.head() == head
    assert page == folder / "out" / "report.html"
    return page.parent


def test_the_report_holds_notice_badge_recommendation_and_versions(written: Path, lived: Store, life: Life) -> None:
    page = (written / "report.html").read_text(encoding="utf-8")
    decided = of_kind(lived, life, "Decided")[-1]
    assert NOTICE in page
    assert '<span class="badge twin">twin</span>' in page
    assert f"<b>{decided.payload['recommended']}</b>" in page
    assert lived.head() in page
    assert "2026-03-05T09:00:00Z" in page  # made
    assert page.count("data:image/png;base64,") == 6
    assert not list(written.glob(".*"))


def test_the_dose_of_the_report_is_the_dose_that_was_judged(written: Path, lived: Store, life: Life) -> None:
    decided = of_kind(lived, life, "Decided")[-1]
    judged = lived.artefacts.get_arrays(decided.payload["doses"])[decided.payload["recommended"]]
    raw = pydicom.dcmread(written / "RTDOSE.dcm")
    step_Gy = float(raw.DoseGridScaling)
    assert judged.max() > 20.0 * step_Gy
    assert raw.pixel_array.max() * step_Gy == pytest.approx(judged.max(), abs=step_Gy)
    again = io.read_dose(written / "RTDOSE.dcm")
    assert np.abs(again.array - judged).max() <= step_Gy
    assert raw.DoseUnits == "GY"


def test_the_contours_of_the_report_are_those_of_the_day(written: Path, lived: Store, life: Life) -> None:
    series = io.read_series(written / "ct_of_the_day")
    again = io.read_structures(written / "RTSTRUCT.dcm", series)
    session = open_session(lived, life.id)
    packed = of_kind(lived, life, "Observed")[-1].payload["day"]
    day = unpack(session.system.day, lived.artefacts.get_arrays(packed))
    held = {name: mask for name, mask in day.structures.masks.items() if mask.any()}
    assert set(again.masks) == set(held) >= {"CTV", "BLADDER", "RECTUM"}
    for name, mask in held.items():
        assert np.array_equal(again[name], mask), name
    assert {roi.ROIName for roi in pydicom.dcmread(written / "RTSTRUCT.dcm").StructureSetROISequence} == set(held)


def test_every_object_of_the_report_is_of_the_patient_in_one_frame_and_not_approved(written: Path) -> None:
    objects = [pydicom.dcmread(path, stop_before_pixels=True) for path in sorted(written.rglob("*.dcm"))]
    assert {o.Modality for o in objects} == {"CT", "RTDOSE", "RTPLAN", "RTSTRUCT"}
    assert {o.PatientID for o in objects} == {IDENTITY.patient_id}
    assert {str(o.FrameOfReferenceUID) for o in objects if "FrameOfReferenceUID" in o and o.Modality != "RTSTRUCT"} == {
        str(o.ReferencedFrameOfReferenceSequence[0].FrameOfReferenceUID) for o in objects if o.Modality == "RTSTRUCT"
    }
    assert "APPROVED" not in {o.get("ApprovalStatus", "") for o in objects}
    assert {o.ApprovalStatus for o in objects if o.Modality in ("RTPLAN", "RTSTRUCT")} == {"UNAPPROVED"}
    plan, dose = (next(o for o in objects if o.Modality == kind) for kind in ("RTPLAN", "RTDOSE"))
    assert dose.ReferencedRTPlanSequence[0].ReferencedSOPInstanceUID == plan.SOPInstanceUID


def test_the_plan_of_the_report_gives_its_dose(written: Path) -> None:
    """Spots read back from the file, on the CT and the structures of the day that were written beside it."""
    series, dose = io.read_series(written / "ct_of_the_day"), io.read_dose(written / "RTDOSE.dcm")
    spots, weights, isocentre_mm = io.spots_of(io.read_rtionplan(written / "RTIONPLAN.dcm"))
    rsp = rsp_of(series.image, io.read_structures(written / "RTSTRUCT.dcm", series))
    again = forward.dose(rsp, spots, weights, Machine.generic(), isocentre_mm)
    assert again == pytest.approx(dose.array, abs=2e-3 * float(dose.array.max()))


def test_events_are_plain_json(lived: Store, life: Life) -> None:
    for event in lived.events(life.id):
        assert json.loads(json.dumps(event.payload, allow_nan=False)) == event.payload
