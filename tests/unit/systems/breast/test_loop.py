"""A twin from files to decision and report, and bad input that leaves nothing behind."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from gemel import io, store
from gemel.core.errors import GemelError, GeometryError, InputError, RangeError, StructureError, UnitError
from gemel.core.record import Action
from gemel.core.time import DAY_S
from gemel.core.twin import Twin
from gemel.flow.act import act
from gemel.flow.decide import decide
from gemel.flow.new import new
from gemel.flow.observe import observe
from gemel.flow.replaying import replay
from gemel.flow.report import report
from gemel.flow.session import open_session
from gemel.systems.breast import growth_model
from gemel.systems.breast.case import begin
from gemel.systems.breast.drugs import UNIT
from gemel.systems.breast.judge import next_s
from gemel.systems.breast.legible import CELLS, VOLUME, legible
from gemel.systems.breast.observe import observations
from gemel.systems.breast.observe import observe as look
from gemel.systems.breast.regimens import read
from gemel.systems.breast.seen import FLOOR, cells, volume_mL
from gemel.systems.breast.system import follow, model
from gemel.systems.breast.virtual import state_of, visit_of
from tests.unit.systems.breast.patient import DOSES, START_s, case, patient, visit, with_map, written

OPTIONS = {"doses": list(DOSES), "mechanics": False}


def test_from_files_to_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Visit, visit, decision, dose, report; the next dose falls three weeks after the first, and the forecast was frozen before."""
    monkeypatch.setattr(growth_model, "DRAWS", 200)
    monkeypatch.setattr(growth_model, "PROPOSALS", 256)
    with store.open(tmp_path / "twins.db") as record:
        twin_id = new(record, "breast", written(tmp_path, 0.0), options=OPTIONS)
        assert any("not coupled" in note for note in record.events(twin_id)[0].payload["notes"])
        observe(record, twin_id, written(tmp_path, 19.0))
        kinds = [event.kind for event in record.events(twin_id)]
        assert kinds.index("Forecast") < kinds.index("Observed") < kinds.index("Assimilated")
        decided = decide(record, twin_id, draws=40)
        assert "stop" not in {option.name for option in decided.decision.options}  # not before A/C is complete
        done = act(record, twin_id, decided.decision.recommended)
        weeks = 2 if "AC 2" in decided.decision.recommended else 3
        assert done.valid_s == pytest.approx(max(START_s + (1 + 7 * weeks) * DAY_S, START_s + 19 * DAY_S), abs=60.0)
        page = report(record, twin_id, tmp_path / "out", made_s=0.0).read_text(encoding="utf-8")
        assert "What was learned" in page
        assert "What each schedule would leave" in page
        assert page.count("growth is not coupled to mechanics") == 1
        assert "halvings of its cells" in page
        assert "<td>outlined volume, mL</td>" in page
        with pytest.raises(InputError, match="in order"):
            observe(record, twin_id, written(tmp_path, 12.0))
        with pytest.raises(GemelError):
            observe(record, twin_id, written(tmp_path, 19.2))
        assert [event.kind for event in record.events(twin_id)].count("Observed") == 1
        assert open_session(record, twin_id).twin.belief.draw(3, np.random.default_rng(0))[0]["density"].shape[0] == 3
        again = replay(record, twin_id)
        assert (again.identical, again.why) == (True, "")
        computed = ("Ingested", "Forecast", "Observed", "Assimilated", "Decided")
        assert again.recomputed == sum(event.kind in computed for event in record.events(twin_id))


def test_the_errors_stated_of_a_visit_are_those_made() -> None:
    """Twenty pairs of visits of one tumour, from the maps on: cells are off by what is stated (z of mean 0 ± 0.6, sd 0.6 to 1.4)."""
    t_s = START_s + 10 * DAY_S
    density = state_of(patient(), (), t_s)["density"]
    body, z = patient().body, []
    true = float(np.log(cells(body, density)[0] / cells(body, body.density[None])[0] + FLOOR))
    for seed in range(20):
        rng = np.random.default_rng([9, seed])
        first = begin(visit_of(patient(), (), START_s, rng), doses=DOSES, mechanics=False)
        seen = {one.kind: one for one in observations(look(first, visit_of(patient(), (), t_s, rng), lambda *_: None), t_s, "x")}
        z.append(float(seen["ln_cells_1"].value[0] - true) / float(seen["ln_cells_1"].sd[0]))
        volume = float(volume_mL(body, density)[0] / volume_mL(body, body.density[None])[0])
        assert float(seen["ln_volume_1"].value[0]) == pytest.approx(np.log(volume + FLOOR), abs=0.15)
    assert abs(np.mean(z)) < 0.6
    assert 0.6 < np.std(z) < 1.4


def test_a_visit_is_told_in_units_that_people_read() -> None:
    """Half the cells and a quarter of the volume, as per cent and mL; the floor below which nothing is told is taken off."""
    whole_mL = float(volume_mL(case().body, case().body.density[None])[0])
    draws = {"ln_cells_1": np.log([[0.5 + FLOOR]]), "ln_volume_1": np.log([[0.25 + FLOOR]]), "shares_1": np.array([[0.3, 0.7]])}
    found = legible(case(), draws)
    assert found[CELLS].ravel() == pytest.approx([50.0])
    assert found[VOLUME].ravel() == pytest.approx([whole_mL / 4])
    assert found["of its cells in part 2, %"] == pytest.approx([70.0])
    assert legible(case(), {"ln_cells_1": np.log([[FLOOR / 2]])})[CELLS].ravel() == pytest.approx([0.0])


def test_nothing_left_must_be_said() -> None:
    """An empty outline that is meant: as few cells as can be told from none, and no shares of parts."""
    gone = replace(visit(19.0), tumour=np.zeros_like(visit(19.0).tumour), nothing_left=True)
    day = look(case(), gone, lambda *_: None)
    assert day.values["ln_cells_1"][0] == pytest.approx(np.log(FLOOR))
    assert day.sd["ln_cells_1"][0] == pytest.approx(1.0)
    assert "shares_1" not in day.values


def edited(folder: Path, **fields: Any) -> Path:
    path = folder / "visit.json"
    held = {**json.loads(path.read_text()), **fields}
    path.write_text(json.dumps({key: value for key, value in held.items() if value is not None}))
    return folder


def remapped(folder: Path, name: str, change: Callable[[np.ndarray], np.ndarray]) -> Path:
    volume = nib.Nifti1Image.from_filename(folder / f"{name}.nii.gz")
    array = change(np.asarray(volume.dataobj, dtype=np.float32))
    nib.Nifti1Image(array, volume.affine).to_filename(folder / f"{name}.nii.gz")
    return folder


def walled(array: np.ndarray, value: float) -> np.ndarray:
    found = array.copy()
    found[0] = value
    return found


def halved(array: np.ndarray) -> np.ndarray:
    found = array.copy()
    found[..., found.shape[2] // 2 :] = 0.0
    return found


BAD: dict[str, tuple[Callable[[Path], Path], type[Exception], str]] = {
    "no unit": (lambda f: edited(f, adc_unit=None), UnitError, "no stated unit"),
    "unknown unit": (lambda f: edited(f, adc_unit="cm2/min"), UnitError, "cm2/min"),
    "wrong unit": (lambda f: edited(f, adc_unit="mm2/s"), RangeError, "median ADC"),
    "empty mask": (lambda f: remapped(f, "tumour", np.zeros_like), StructureError, "empty outline"),
    "mask at the border": (lambda f: remapped(f, "tumour", lambda a: walled(a, 1.0)), StructureError, "border"),
    "negative ADC": (lambda f: remapped(f, "adc", lambda a: a - 900.0), InputError, "negative"),
    "NaN in the ADC": (lambda f: remapped(f, "adc", lambda a: np.where(a > a.max() - 1, np.nan, a)), InputError, "not finite"),
    "ADC that does not cover the mask": (lambda f: remapped(f, "adc", lambda a: halved(a)), StructureError, "without ADC"),
    "supply that does not cover the mask": (lambda f: remapped(f, "supply", np.zeros_like), RangeError, "no drug supply"),
    "a map on another grid": (lambda f: remapped(f, "supply", lambda a: a[:-1]), GeometryError, "two grids"),
    "nothing left at first": (lambda f: edited(remapped(f, "tumour", np.zeros_like), nothing_left=True), StructureError, "first visit"),
    "an outline where nothing is left": (lambda f: edited(f, nothing_left=True), StructureError, "where nothing is left"),
    "labels of no tissue": (lambda f: remapped(f, "tissue", np.zeros_like), RangeError, "outside everywhere"),
    "labels unknown": (lambda f: remapped(f, "tissue", lambda a: a + 5), RangeError, "tissue labels"),
    "no time": (lambda f: edited(f, time=None), InputError, "no 'time'"),
    "a field unknown": (lambda f: edited(f, b_value=800), InputError, "b_value"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_and_nothing_stored(name: str, tmp_path: Path) -> None:
    spoil, error, words = BAD[name]
    folder = spoil(written(tmp_path, 0.0))
    with store.open(tmp_path / "twins.db") as record:
        with pytest.raises(error, match=words) as found:
            new(record, "breast", folder, options=OPTIONS)
        assert found.value.remedy  # type: ignore[attr-defined]
        assert not record.twins()


def test_a_visit_on_the_first_day_or_elsewhere_is_refused() -> None:
    early = replace(visit(19.0), acquired_s=START_s + 3600.0)
    with pytest.raises(InputError, match="days of their own"):
        look(case(), early, lambda *_: None)
    shifted = visit(19.0)
    moved = shifted.adc_mm2_s.affine_mm.copy()
    moved[:3, 3] += 30.0
    away = {name: replace(getattr(shifted, name), affine_mm=moved) for name in ("adc_mm2_s", "supply", "tissue")}
    with pytest.raises(StructureError, match="beyond the first one"):
        look(case(), replace(shifted, **away), lambda *_: None)


def test_a_tumour_of_a_few_voxels_and_doses_that_are_none_are_refused() -> None:
    whole = visit(0.0)
    few = np.zeros_like(whole.tumour)
    few[8:10, 8:10, 6:8] = True
    with pytest.raises(RangeError, match="8 voxels"):
        begin(replace(whole, tumour=few), mechanics=False)
    for said in ({"mechanics": "no"}, {"doses": 5}, {"doses": ["AC@2026-03-03", 5]}):
        with pytest.raises(InputError, match=r"doses|mechanics"):
            begin(whole, **said)
    for text in ("AC", "X@2026-03-03", "ACx0@2026-03-03", "ACx1.2.3@2026-03-03", "ACx5@2026-03-03", "AC@yesterday"):
        with pytest.raises(InputError):
            begin(whole, doses=text, mechanics=False)


def test_a_map_with_a_hole_is_refused_before_anything_is_computed() -> None:
    whole = visit(0.0)
    with pytest.raises(InputError, match="not finite"):
        replace(whole, adc_mm2_s=with_map(whole.adc_mm2_s, np.nan, (0, 0, 0)))


def test_the_next_dose_on_one_decision_follows_what_was_given() -> None:
    """A/C until its four, then paclitaxel, then none; stopping stays stopping."""
    made = [
        Action(drug, START_s + (2 + n) * 7 * DAY_S, 1.0, UNIT, "given") for n, drug in enumerate(("AC", "AC", "AC", "T", "T", "T", "T"))
    ]
    own, plan, drugs = model(case(), None), "AC 2-weekly, T 3-weekly", []
    for n in range(7):
        twin = Twin(own, own.prior, START_s, START_s, tuple(made[:n]))
        drugs.append(follow(twin, case(), plan, Action("AC", made[n].t_s, 1.0, UNIT), n).kind)
    assert drugs == [action.kind for action in made]
    assert next_s(twin, case(), read("AC 2-weekly, T 1-weekly")) == made[5].t_s + 7 * DAY_S
    with pytest.raises(InputError, match="beyond the course"):
        follow(replace(twin, record=tuple(made)), case(), plan, made[0], 7)
    assert follow(twin, case(), "stop", replace(made[3], amount=0.0), 6).amount == 0.0


def test_units_are_what_they_say(tmp_path: Path) -> None:
    """The same map in 1e-6 mm2/s, um2/ms and mm2/s."""
    folder = written(tmp_path, 0.0)
    first = io.read_diffusion_visit(folder).visit.adc_mm2_s.array
    remapped(folder, "adc", lambda a: a / 1000.0)
    np.testing.assert_allclose(io.read_diffusion_visit(edited(folder, adc_unit="um2/ms")).visit.adc_mm2_s.array, first, rtol=1e-3)
    remapped(folder, "adc", lambda a: a / 1000.0)
    np.testing.assert_allclose(io.read_diffusion_visit(edited(folder, adc_unit="mm2/s")).visit.adc_mm2_s.array, first, rtol=1e-3)
