"""The theranostic twin lives through two cycles from DICOM on, and bad input is refused with nothing stored."""

import gzip
import json
import shutil
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from gemel import flow, io, store
from gemel.core.activity import ActivityImage
from gemel.core.errors import ConflictError, GemelError, InputError, RangeError, StructureError, UnitError
from gemel.core.image import Image
from gemel.core.record import Action
from gemel.core.time import DAY_S, iso, seconds
from gemel.devices.nuclear.phantom import Ellipsoid, phantom
from gemel.flow.heard import Said, hear, weighed
from gemel.flow.new import Planning
from gemel.flow.replaying import replay
from gemel.flow.session import belief_digest, open_session
from gemel.store import Store
from gemel.systems.theranostics.system import SYSTEM
from gemel.systems.theranostics.virtual import CAMERA, VirtualPatient, labs_of, spect_of, virtual_patient
from tests.unit.flow.test_bad_input import refused

H, START_s, MBq = 3600.0, seconds("2026-03-02T09:00:00"), 7400.0
SECOND_s = START_s + 45 * DAY_S
OPTIONS = {"calibration_cps_MBq": CAMERA.calibration.Q_1_MBq_s, "fwhm_mm": CAMERA.fwhm_mm, "recover": True}
DRAWS = 24
MARK = 123456.789


@dataclass(frozen=True)
class Files:
    """A made-up patient, and his files: three scans of the first cycle, regions, labs, a scan of the second."""

    folder: Path
    patient: VirtualPatient

    @property
    def scans(self) -> list[Path]:
        return [self.folder / f"spect_{h}.nii.gz" for h in (24, 72, 168)]

    @property
    def regions(self) -> Path:
        return self.folder / "regions.nii.gz"

    @property
    def labs(self) -> Path:
        return self.folder / "labs.json"


def write_scan(path: Path, scan: ActivityImage) -> None:
    """A scan as NIfTI with its sidecar."""
    io.write_nifti(path, scan.image)
    fields = {
        "TracerRadionuclide": scan.nuclide,
        "InjectedRadioactivity": scan.injected_MBq,
        "InjectedRadioactivityUnits": "MBq",
        "Units": scan.unit,
        "InjectionDateTime": iso(scan.injected_s),
        "AcquisitionDateTime": iso(scan.acquired_s),
        "FrameDuration": scan.duration_s,
        "ImageDecayCorrected": False,
    }
    beside(path).write_text(json.dumps(fields))


def beside(path: Path) -> Path:
    return path.with_name(path.name.removesuffix(".nii.gz") + ".json")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    folder = tmp_path_factory.mktemp("theranostics")
    lesion = Ellipsoid("tumour_1", (60.0, 35.0, -110.0), 60.0)
    body = phantom("male", spacing_mm=9.0, lesions=(lesion,))
    patient = virtual_patient(np.random.default_rng(3), given=(START_s, MBq), made=body)
    made = Files(folder, patient)
    for path, hours in zip(made.scans, (24, 72, 168)):
        write_scan(path, spect_of(patient, (), START_s + hours * H, np.random.default_rng(hours)))
    second = (Action("administer", SECOND_s, 5000.0, "MBq"),)
    io.write_nm(folder / "second.dcm", spect_of(patient, second, SECOND_s + 24 * H, np.random.default_rng(9)), io.Identity("P"))
    labels = np.zeros(body.density_g_mL.shape, np.float32)
    for number, name in enumerate(patient.structures.masks, start=1):
        labels[patient.structures[name]] = number
    io.write_nifti(made.regions, Image(labels, body.density_g_mL.affine_mm))
    beside(made.regions).write_text(json.dumps({str(n): name for n, name in enumerate(patient.structures.masks, start=1)}))
    values = labs_of(patient, (), START_s - DAY_S, np.random.default_rng(0))
    made.labs.write_text(
        json.dumps({"time": iso(START_s - DAY_S), "platelets": [values["platelets"], "10*9/L"], "psa": [values["psa"], "ng/mL"]})
    )
    return made


@pytest.fixture(scope="module")
def begun(files: Files) -> tuple[Path, str]:
    """A record with the twin after two scans of the first cycle, and a decision."""
    with store.open(files.folder / "twins.db") as record:
        twin_id = flow.new(record, "theranostics", files.scans[:2], None, files.regions, files.labs, options=OPTIONS)
        flow.decide(record, twin_id, draws=DRAWS)
    return files.folder, twin_id


@pytest.fixture
def record(begun: tuple[Path, str], tmp_path: Path) -> Iterator[Store]:
    """A copy of it."""
    shutil.copytree(begun[0] / "twins.db.artefacts", tmp_path / "twins.db.artefacts")
    shutil.copy(begun[0] / "twins.db", tmp_path / "twins.db")
    with store.open(tmp_path / "twins.db") as opened:
        yield opened


def acted(record: Store, twin_id: str) -> Action:
    return next(event for event in reversed(open_session(record, twin_id).twin.record) if isinstance(event, Action))


def test_activity_is_measured_within_a_tenth_of_the_truth(record: Store, begun: tuple[Path, str], files: Files) -> None:
    seen = [e for e in record.events(begun[1]) if e.kind == "Observed"]
    assert [e.valid_s for e in seen] == [START_s + 24 * H, START_s + 72 * H]
    truth = SYSTEM.model(open_session(record, begun[1]).case, None)
    for event in seen:
        for row in event.payload["observations"]:
            state = truth.dynamics(
                truth.prior.draw(1, np.random.default_rng(0))[0], files.patient.params, (), 0.0, event.valid_s, np.random.default_rng(0)
            )
            expected = truth.observe[row["kind"]](state, files.patient.params)[0, 0]
            assert row["value"][0] == pytest.approx(expected, abs=0.2), row["kind"]
            assert 0.05 <= row["sd"][0] < 0.12


def test_the_belief_holds_the_truth_and_is_narrower_than_the_prior(record: Store, begun: tuple[Path, str], files: Files) -> None:
    twin = open_session(record, begun[1]).twin
    prior, found = (b.draw(1500, np.random.default_rng(1))[1] for b in (twin.model.prior, twin.belief))
    for name in ("from_kidney_1_h", "to_kidney_1_h", "to_tumour_1_h_g"):
        low, high = np.quantile(found[name], [0.001, 0.999])
        assert low < files.patient.params[name][0] < high, name
    assert np.log(found["to_kidney_1_h"]).std() < 0.8 * np.log(prior["to_kidney_1_h"]).std()


def test_the_next_cycle_is_due_after_its_interval_unless_told_otherwise(record: Store, begun: tuple[Path, str]) -> None:
    event = flow.act(record, begun[1], "7.4 GBq x 5, 6 weeks")
    assert event.valid_s == START_s + 42 * DAY_S
    assert acted(record, begun[1]) == Action("administer", START_s + 42 * DAY_S, MBq, "MBq", event.inputs[0])
    with pytest.raises(InputError, match="given on this scan already"):
        flow.act(record, begun[1], "7.4 GBq x 5, 6 weeks")


def test_a_second_cycle_given_at_another_time_and_activity_is_followed(record: Store, begun: tuple[Path, str], files: Files) -> None:
    before = open_session(record, begun[1])
    with refused(record, InputError, "2026-04-16.*twin act"):
        flow.observe(record, begun[1], files.folder / "second.dcm", kind="spect")
    flow.act(record, begun[1], "7.4 GBq x 5, 6 weeks", time=iso(SECOND_s), amount=5000.0)
    given = acted(record, begun[1])
    assert (given.t_s, given.amount) == (SECOND_s, 5000.0)
    seen = flow.observe(record, begun[1], files.folder / "second.dcm", kind="spect")
    assert seen.payload["alarms"] == []
    after = open_session(record, begun[1])
    assert (before.badge, after.badge) == ("shadow", "twin")
    state, _ = after.twin.belief.draw(400, np.random.default_rng(0))
    truth = after.twin.model.dynamics(
        after.twin.model.prior.draw(1, np.random.default_rng(0))[0],
        files.patient.params,
        (given,),
        START_s,
        SECOND_s + 24 * H,
        np.random.default_rng(0),
    )
    low, high = np.quantile(state["dose_kidney"], [0.001, 0.999])
    assert low < truth["dose_kidney"][0] < high
    choices = [option["name"] for option in flow.decide(record, begun[1], draws=DRAWS).event.payload["options"]]
    assert "7.4 GBq x 4, 6 weeks" in choices
    assert not [name for name in choices if " x 5" in name]


@pytest.mark.parametrize(
    ("match", "options"),
    [
        ("twin's start", {"time": "2026-03-01T09:00"}),
        ("amount of nan", {"amount": float("nan")}),
        ("amount of -1", {"amount": -1.0}),
        ("a time 'soon'", {"time": "soon"}),
    ],
)
def test_an_administration_that_cannot_have_been_is_refused(
    match: str, options: dict[str, object], record: Store, begun: tuple[Path, str]
) -> None:
    with refused(record, InputError, match):
        flow.act(record, begun[1], "7.4 GBq x 5, 6 weeks", **options)  # type: ignore[arg-type]


def sidecar(**changes: object) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        fields = json.loads(beside(path).read_text()) | changes
        beside(path).write_text(json.dumps({name: value for name, value in fields.items() if value is not None}))

    return change


def voxels(value: float) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        image = io.read_nifti(path)
        spoilt = image.array.copy()
        spoilt[3, 3, 3] = MARK
        io.write_nifti(path, Image(spoilt, image.affine_mm))
        path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()).replace(struct.pack("<f", MARK), struct.pack("<f", value))))

    return change


BAD: dict[str, tuple[Callable[[Path], None], type[GemelError], str]] = {
    "no injection time": (sidecar(InjectionDateTime=None), InputError, "InjectionDateTime"),
    "a scan before the injection": (sidecar(AcquisitionDateTime="2026-03-01T09:00:00Z"), RangeError, "before the injection"),
    "an unknown nuclide": (sidecar(TracerRadionuclide="Xx-999"), InputError, "Xx-999"),
    "an alpha emitter": (sidecar(TracerRadionuclide="Ac-225"), InputError, "alpha emitter"),
    "an unknown unit": (sidecar(Units="CNTS"), UnitError, "CNTS"),
    "a voxel that is not a number": (voxels(float("nan")), InputError, "not finite"),
    "negative activity": (voxels(-5.0), InputError, "negative activity"),
    "no duration": (sidecar(FrameDuration=0), InputError, "a scan of 0"),
    "another injection": (sidecar(InjectionDateTime="2026-02-27T09:00:00Z"), InputError, "another nuclide or injection"),
}


@pytest.mark.parametrize("case", BAD)
def test_new_refuses(case: str, files: Files, tmp_path: Path) -> None:
    spoil, error, match = BAD[case]
    for path in (*files.scans[:2], *(beside(p) for p in files.scans[:2])):
        shutil.copy(path, tmp_path / path.name)
    scans = [tmp_path / path.name for path in files.scans[:2]]
    spoil(scans[0])
    with store.open(tmp_path / "t.db") as empty, refused(empty, error, match):
        flow.new(empty, "theranostics", scans, None, files.regions, files.labs, options=OPTIONS)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"calibration_cps_MBq": -5.67}, "-5.67 cps/MBq"),
        ({"calibration_cps_MBq": float("inf")}, "inf cps/MBq"),
        ({"calibration_sd_pct": -5.0}, "-5.0 %"),
        ({"calibration_sd_pct": float("nan")}, "nan %"),
        ({"calibration_sd_pct": 500.0}, "500.0 %"),
        ({"fwhm_mm": 0.0}, "a resolution of 0.0 mm"),
        ({"fwhm_mm": float("nan")}, "a resolution of nan mm"),
        ({"cold_nmol": -1.0}, "-1 nmol"),
        ({"isotopes": "Xx-1"}, "Xx-1"),
        ({"injected_MBq": "7.4 GBq"}, "injected_MBq = '7.4 GBq'"),
        ({"duration_s": "20 min"}, "duration_s = '20 min'"),
        ({"decay_corrected_to": "noon"}, "corrected for decay to 'noon'"),
    ],
)
def test_a_camera_or_option_that_cannot_be_is_refused(options: dict[str, object], match: str, files: Files, tmp_path: Path) -> None:
    with store.open(tmp_path / "t.db") as empty, refused(empty, InputError, match):
        flow.new(empty, "theranostics", files.scans[:1], None, files.regions, files.labs, options=OPTIONS | options)


def test_a_pet_of_what_therapy_is_given_with_is_refused(files: Files, tmp_path: Path) -> None:
    with store.open(tmp_path / "t.db") as empty, refused(empty, InputError, "a PET of Lu-177"):
        flow.new(empty, "theranostics", files.scans[:1], None, files.regions, files.labs, files.scans[1], options=OPTIONS)


def test_what_the_sidecar_lacks_may_be_said_and_another_clock_is_another_twin(files: Files, tmp_path: Path) -> None:
    """The same voxels with a sidecar that was put right must not find the twin of the wrong one."""
    scan = tmp_path / files.scans[0].name
    for path in (files.scans[0], beside(files.scans[0])):
        shutil.copy(path, tmp_path / path.name)

    def planned(**options: object) -> Planning:
        return flow.planning("theranostics", scan, None, files.regions, options=OPTIONS | options)

    right = planned()
    sidecar(FrameDuration=None)(scan)
    with pytest.raises(InputError, match="FrameDuration"):
        planned()
    assert planned(duration_s=1200.0).case.body == right.case.body
    sidecar(FrameDuration=1200.0, AcquisitionDateTime="2026-03-03T21:00:00Z")(scan)
    assert planned().twin_id != right.twin_id


def test_a_twin_of_nifti_files_is_computed_again_to_the_last_bit(record: Store, begun: tuple[Path, str]) -> None:
    """Volumes and their sidecars are laid out again under one name, as they were handed over."""
    found = replay(record, begun[1], version=4)
    assert found.identical, found.why
    assert found.recomputed == 4


def test_two_labels_of_one_name_are_refused(files: Files) -> None:
    """A kidney that another overwrites would be lost without a word."""
    with pytest.raises(StructureError, match="two labels that mean kidney_right"):
        flow.planning("theranostics", files.scans[0], None, files.regions, names={"kidney_left": "kidney_right"}, options=OPTIONS)


def test_a_kidney_that_is_alone_is_said(files: Files) -> None:
    def notes(**names: str) -> tuple[str, ...]:
        return flow.planning("theranostics", files.scans[0], None, files.regions, names=names, options=OPTIONS).notes

    assert any("one kidney contoured" in note for note in notes(kidney_left=""))
    assert not any("one kidney contoured" in note for note in notes())


def test_more_activity_than_was_injected_is_refused(record: Store, begun: tuple[Path, str], files: Files, tmp_path: Path) -> None:
    """Uptake is at most 1: every scan a thousand times too bright, so that no half-life tells."""
    scans = [tmp_path / path.name for path in files.scans]
    for path, copy in zip(files.scans, scans):
        image = io.read_nifti(path)
        io.write_nifti(copy, Image(image.array * 1000.0, image.affine_mm))
        shutil.copy(beside(path), beside(copy))
    with store.open(tmp_path / "t.db") as empty, refused(empty, RangeError, "of the injected activity in the regions"):
        flow.new(empty, "theranostics", scans[:1], None, files.regions, files.labs, options=OPTIONS)
    with refused(record, RangeError, "of the injected activity in the regions"):
        flow.observe(record, begun[1], scans[2], kind="spect")


@pytest.mark.parametrize(("name", "value"), [("platelets", 220000.0), ("psa", 1e7)])
def test_a_count_in_another_unit_is_refused(
    name: str, value: float, record: Store, begun: tuple[Path, str], files: Files, tmp_path: Path
) -> None:
    unit = {"platelets": "10*9/L", "psa": "ng/mL"}[name]
    (tmp_path / "blood.json").write_text(json.dumps({"time": iso(START_s + 8 * DAY_S), name: [value, unit]}))
    with refused(record, RangeError, f"{name} of"):
        flow.observe(record, begun[1], tmp_path / "blood.json", kind="labs")
    with store.open(tmp_path / "t.db") as empty, refused(empty, RangeError, f"{name} of"):
        flow.new(empty, "theranostics", files.scans[:1], None, files.regions, tmp_path / "blood.json", options=OPTIONS)


def test_counts_psa_and_blood_are_observations(record: Store, begun: tuple[Path, str], tmp_path: Path) -> None:
    values = {"platelets": [200.0, "10*9/L"], "psa": [35.0, "ng/mL"], "blood_MBq_L": [0.5, "MBq/L"]}
    (tmp_path / "blood.json").write_text(json.dumps({"time": iso(START_s + 9 * DAY_S), **values}))
    before = open_session(record, begun[1]).twin
    flow.observe(record, begun[1], tmp_path / "blood.json", kind="labs")
    seen = next(e for e in reversed(record.events(begun[1])) if e.kind == "Observed")
    assert {row["kind"] for row in seen.payload["observations"]} == {"ln_platelets_ratio_1", "ln_psa_ratio_1", "ln_blood_MBq_L"}
    after = open_session(record, begun[1]).twin
    spread = [np.log(t.belief.draw(2000, np.random.default_rng(0))[1]["tumour_growth_1_h"]).std() for t in (before, after)]
    assert spread[1] < spread[0]


def test_counts_without_a_factor_are_refused(files: Files, tmp_path: Path) -> None:
    with store.open(tmp_path / "t.db") as empty, refused(empty, InputError, "counts"):
        flow.new(empty, "theranostics", files.scans[:1], None, files.regions, files.labs)


def test_a_region_outside_the_field_is_refused(files: Files, tmp_path: Path) -> None:
    image = io.read_nifti(files.regions)
    moved = image.affine_mm.copy()
    moved[2, 3] += 900.0
    io.write_nifti(tmp_path / "r.nii.gz", Image(image.array, moved))
    shutil.copy(beside(files.regions), tmp_path / "r.json")
    with store.open(tmp_path / "t.db") as empty, refused(empty, StructureError, "outside the field of view"):
        flow.new(empty, "theranostics", files.scans[:1], None, tmp_path / "r.nii.gz", files.labs, options=OPTIONS)


def test_a_series_that_gains_activity_is_refused(files: Files, tmp_path: Path) -> None:
    scans = [tmp_path / path.name for path in files.scans]
    for path, copy, scale in zip(files.scans, scans, (1.0, 4.0, 60.0)):
        image = io.read_nifti(path)
        io.write_nifti(copy, Image(image.array * scale, image.affine_mm))  # the scale of each image is lost
        shutil.copy(beside(path), beside(copy))
    with store.open(tmp_path / "t.db") as empty, refused(empty, RangeError, "(?i)half-life|gain|longer|physic"):
        flow.new(empty, "theranostics", scans, None, files.regions, files.labs, options=OPTIONS)


def alike(files: Files, folder: Path, number: int, value: float, *, by: str) -> Path:
    """A scan whose image was scaled to that largest value, or that sum, and whose own scale is lost."""
    path = folder / files.scans[number].name
    image = io.read_nifti(files.scans[number])
    whole = float(image.array.astype(np.float64).sum()) if by == "sum" else float(image.array.max())
    scaled = image.array * (value / whole)
    if by == "largest":
        scaled[np.unravel_index(int(image.array.argmax()), image.shape)] = value
    io.write_nifti(path, Image(scaled.astype(np.float32), image.affine_mm))
    shutil.copy(beside(files.scans[number]), beside(path))
    return path


@pytest.mark.parametrize("by", ["largest", "sum"])
def test_a_later_scan_scaled_by_its_own_is_refused(by: str, files: Files, tmp_path: Path) -> None:
    """The first is true; the third, observed later, was brought to the same largest value (or sum) as the second."""
    first = io.read_nifti(files.scans[0]).array.astype(np.float64)
    value = float(np.float32(first.max())) if by == "largest" else float(first.sum())
    with store.open(tmp_path / "t.db") as record:
        twin_id = flow.new(record, "theranostics", files.scans[:1], None, files.regions, files.labs, options=OPTIONS)
        with refused(record, RangeError, f"share their {by}.*scaled by its own"):
            flow.observe(record, twin_id, alike(files, tmp_path, 1, value, by=by), kind="spect")
        flow.observe(record, twin_id, files.scans[1], kind="spect")
        with refused(record, RangeError, f"share their {by}.*scaled by its own"):
            flow.observe(record, twin_id, alike(files, tmp_path, 2, value, by=by), kind="spect")


def test_one_time_point_works_with_the_prior(files: Files, tmp_path: Path) -> None:
    with store.open(tmp_path / "t.db") as record:
        twin_id = flow.new(record, "theranostics", files.scans[:1], None, files.regions, files.labs, options=OPTIONS)
        twin = open_session(record, twin_id).twin
    late = partial(twin.model.observe["ln_kidney_MBq"])
    state, params = twin.belief.draw(400, np.random.default_rng(0))
    after = twin.model.dynamics(state, params, (), twin.t_s, START_s + 168 * H, np.random.default_rng(0))
    assert late(state, params).std() < 0.1 < late(after, params).std() < 1.0


def test_a_later_scan_of_another_nuclide_is_refused(record: Store, begun: tuple[Path, str], files: Files, tmp_path: Path) -> None:
    for path in (files.scans[2], beside(files.scans[2])):
        shutil.copy(path, tmp_path / path.name)
    sidecar(TracerRadionuclide="Tb-161")(tmp_path / files.scans[2].name)
    with refused(record, InputError, "a scan of Tb-161.*follows Lu-177"):
        flow.observe(record, begun[1], tmp_path / files.scans[2].name, kind="spect")


def test_a_scan_without_activity_in_a_region_leaves_no_twin_behind(files: Files, tmp_path: Path) -> None:
    for path in files.scans[:2]:
        shutil.copy(beside(path), tmp_path / beside(path).name)
        shutil.copy(path, tmp_path / path.name)
    second = io.read_nifti(files.scans[1])
    cut = second.array.copy()
    cut[:, :, (second.origin_mm[2] + second.spacing_mm[2] * np.arange(second.shape[2])) < -60.0] = 0.0
    io.write_nifti(tmp_path / files.scans[1].name, Image(cut, second.affine_mm))
    with store.open(tmp_path / "t.db") as empty, refused(empty, InputError, "no activity in tumour_1"):
        flow.new(empty, "theranostics", [tmp_path / p.name for p in files.scans[:2]], None, files.regions, files.labs, options=OPTIONS)


def test_labs_without_a_baseline_are_refused(record: Store, begun: tuple[Path, str], tmp_path: Path) -> None:
    (tmp_path / "blood.json").write_text(json.dumps({"time": iso(START_s + 8 * DAY_S), "platelets": [-3, "10*9/L"]}))
    with refused(record, InputError, "platelets = -3"):
        flow.observe(record, begun[1], tmp_path / "blood.json", kind="labs")


def stated(what: str, at_s: float, amount: float, unit: str, **more: str) -> Said:
    """A statement of another record, under a name of its own for each thing and time."""
    sort = "given" if what.startswith("administer") else "seen"
    return Said(f"{what}{at_s}".encode().hex().ljust(64, "0")[:64], f"{amount}{unit}", sort, what, iso(at_s), amount, unit, **more)


def counts(record: Store, twin_id: str) -> list[list[str]]:
    """Names of the values of each time that were stated, in time order."""
    seen = [e for e in open_session(record, twin_id).entries if e.kind == "Observed" and "stated" in e.payload]
    return [sorted(e.payload["stated"]) for e in sorted(seen, key=lambda e: e.valid_s)]


@pytest.mark.full  # a sample in miniature: test_heard
def test_values_of_another_record_are_joined_corrected_and_withdrawn(record: Store, begun: tuple[Path, str]) -> None:
    at_s, twin = START_s + 20 * DAY_S, begun[1]
    psa, platelets = stated("psa", at_s, 30.0, "ng/mL"), stated("platelets", at_s, 190_000.0, "/uL")
    assert [one.state for one in hear(record, twin, [psa])] == ["new"]
    belief = belief_digest(open_session(record, twin).twin.belief)
    assert [one.state for one in hear(record, twin, [platelets, psa])] == ["new", "known"]
    assert counts(record, twin) == [["platelets", "psa"]]
    assert [one.state for one in hear(record, twin, [replace(psa, digest="other", amount=3.0)])] == ["changed"]
    assert counts(record, twin) == [["platelets", "psa"]]
    assert [one.state for one in hear(record, twin, [replace(platelets, withdrawn="entered-in-error")])] == ["withdrawn"]
    assert counts(record, twin) == [["psa"]]
    assert [one.state for one in hear(record, twin, [psa])] == ["changed"]
    assert belief_digest(open_session(record, twin).twin.belief) == belief
    with pytest.raises(InputError, match="a second psa"):
        hear(record, twin, [replace(psa, mark="f" * 64)])
    assert (record.verify(), record.leases()) == (True, [])


def test_an_injection_that_the_scans_tell_of_is_not_given_twice(record: Store, begun: tuple[Path, str]) -> None:
    session = open_session(record, begun[1])
    (known,) = weighed(session, [stated("administer Lu-177", START_s + 1800, 7350.0, "MBq")])
    assert (known.state, "7400 MBq" in known.words) == ("known", True)
    with pytest.raises(ConflictError, match="6000 MBq of administer, where the record has 7400 MBq"):
        weighed(session, [stated("administer Lu-177", START_s + 1800, 6000.0, "MBq")])
    with pytest.raises(InputError, match="Ac-225, which this twin does not know"):
        weighed(session, [stated("administer Ac-225", SECOND_s, 8.0, "MBq")])
    (new,) = hear(record, begun[1], [stated("administer Lu-177", SECOND_s, 5000.0, "MBq")])
    given = acted(record, begun[1])
    assert (new.state, given.kind, given.t_s, given.amount) == ("new", "administer", SECOND_s, 5000.0)
