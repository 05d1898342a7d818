"""A cohort's posteriors become a prior that forecasts its next patients better, and a twin begun with it says so."""

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from gemel import flow, store
from gemel.cli import app
from gemel.core import twin as twins
from gemel.core.errors import InputError
from gemel.core.model import Model, Twin
from gemel.flow.promote import Prior, promoted
from gemel.flow.session import open_session
from gemel.flow.synthetic import synthetic_patient
from gemel.store import Store
from gemel.systems.theranostics.case import body_for
from gemel.systems.theranostics.model import model_of
from gemel.systems.theranostics.population import Promoted, promoted_of
from tests.unit.flow.test_bad_input import refused
from tests.unit.flow.test_theranostics import OPTIONS, Files, H, files

__all__ = ["files"]
SHIFTED = Promoted("shifted", 0, {"to_kidney_1_h": 0.013, "from_kidney_1_h": 0.011}, {"to_kidney_1_h": 0.2, "from_kidney_1_h": 0.15})
"""Kidneys that take up half as much again, and keep it longer, with less between patients than in the published population."""
SCANS_s = (24 * H, 96 * H, 168 * H)
SEEN = {f"ln_{organ}_MBq": np.full(1, 0.08) for organ in ("kidney", "salivary", "liver", "tumour")}


def model(prior: Promoted) -> Model:
    body, _ = body_for("Lu-177", {"tumour": [50.0]}, ((0.0, 7400.0),))
    return model_of(replace(body, prior=prior))


def cohort_twin(number: int) -> Twin:
    """A twin with the published prior, of a patient of the shifted population who was scanned three times."""
    rng = np.random.default_rng([31, number])
    seen = tuple(o for scan in synthetic_patient(model(SHIFTED), SCANS_s, SEEN, rng).observations for o in scan)
    return twins.assimilate(twins.new(model(Promoted()), 0.0, number), seen)


def expected(prior: Promoted, draws: int = 1500) -> np.ndarray:
    """ln of kidney activity (MBq) at the scans and of its dose after a cycle, by the prior alone: (draws, 4)."""
    rng, of = np.random.default_rng(5), model(prior)
    state, params = of.prior.draw(draws, rng)
    found, at_s = [], 0.0
    for t_s in (*SCANS_s, 1000 * H):
        state, at_s = of.dynamics(state, params, (), at_s, t_s, rng), t_s
        found.append(of.observe["ln_kidney_MBq"](state, params)[:, 0])
    return np.stack([*found[:3], np.log(state["dose_kidney"])], axis=1)


def judged(prior: Promoted, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean log score (normal) of each quantity of new patients, and the share of them in the 90 % interval."""
    said = expected(prior)
    mean, sd = said.mean(axis=0), said.std(axis=0)
    low, high = np.quantile(said, [0.05, 0.95], axis=0)
    score = -np.log(sd) - 0.5 * np.square((truth - mean) / sd)
    return score, ((truth >= low) & (truth <= high)).mean(axis=0)


def in_use(prior: Prior) -> Promoted:
    return promoted_of(json.loads(json.dumps(asdict(prior))), prior.model, prior.model_version)


@pytest.mark.full
def test_a_promoted_prior_forecasts_the_next_patients_better() -> None:
    """Forty patients of a shifted population teach it; two hundred others of it are forecast by either prior alone.

    Uptakes and excretion change together at the same activities, so that parameters themselves need not be those of the population.
    """
    made = in_use(promoted([cohort_twin(number) for number in range(40)]))
    truth = expected(SHIFTED, 200)
    (new, covered), (old, _) = judged(made, truth), judged(Promoted(), truth)
    gain = new - old
    assert (gain.mean(axis=0) > 3 * gain.std(axis=0) / np.sqrt(len(gain))).all()
    assert ((covered >= 0.85) & (covered <= 0.95)).all()


@pytest.fixture(scope="module")
def cohort(files: Files) -> Iterator[tuple[Store, Path]]:
    """A record with two twins, and what they were promoted to on the command line."""
    path = files.folder / "cohort.db"
    with store.open(path) as record:
        for scans in (files.scans[:1], files.scans[:2]):
            flow.new(record, "theranostics", scans, None, files.regions, files.labs, options=OPTIONS)
    said = CliRunner().invoke(app, ["promote", "theranostics", "--store", str(path), "--out", str(files.folder / "prior.json"), "--json"])
    assert said.exit_code == 0, said.output
    assert json.loads(said.stdout) == json.loads((files.folder / "prior.json").read_text())
    with store.open(path) as record:
        yield record, files.folder / "prior.json"


def test_a_twin_begun_with_a_promoted_prior_names_it(cohort: tuple[Store, Path], files: Files) -> None:
    record, path = cohort
    made = json.loads(path.read_text())
    rows = {row["name"]: row for row in made["parameters"]}
    assert made["patients"] == 2
    assert rows["to_kidney_1_h"]["told_1"] > 0.2
    twin_id = flow.new(record, "theranostics", files.scans[:1], None, files.regions, files.labs, options={**OPTIONS, "prior": str(path)})
    twin = open_session(record, twin_id).twin
    held = {p.name: p for p in twin.model.parameters}
    assert (held["to_kidney_1_h"].centre, held["to_kidney_1_h"].spread) == (
        rows["to_kidney_1_h"]["centre"],
        rows["to_kidney_1_h"]["spread"],
    )
    assert twin.model.version == f"3 {made['version']}"
    assert made["version"] in twin.model.card.validity
    events = record.events(twin_id)
    assert any(made["version"] in note for note in events[0].payload["notes"])
    assert next(e for e in events if e.kind == "Forecast").payload["version"] == twin.model.version
    path.rename(path.with_name("gone.json"))
    assert flow.replay(record, twin_id).leaf is None
    path.with_name("gone.json").rename(path)


def test_a_prior_holds_what_its_twins_say_and_no_more(cohort: tuple[Store, Path]) -> None:
    """Promoted again to the last bit, and what scans of activity cannot tell is the published prior."""
    made = json.loads(cohort[1].read_text())
    begun = [name for name in cohort[0].twins() if "prior" not in cohort[0].events(name)[0].payload["asked"]["options"]]
    assert promoted([open_session(cohort[0], name).twin for name in begun]).version == made["version"]
    held, rows = {p.name: p for p in model(Promoted()).parameters}, {row["name"]: row for row in made["parameters"]}
    for name in ("kidney_repair_h", "marrow_kill_1_Gy"):
        assert (rows[name]["centre"], rows[name]["spread"], rows[name]["told_1"]) == (held[name].centre, held[name].spread, 0.0)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"patients": 3}, "not those of promoted-"),
        ({"model_version": "2"}, "not those of promoted-"),
        ({"parameters": [{"name": "to_kidney_1_h"}]}, "no promoted prior"),
        ({"more": 1}, "no promoted prior"),
    ],
)
def test_a_prior_that_was_changed_is_refused(
    change: dict[str, object], match: str, cohort: tuple[Store, Path], files: Files, tmp_path: Path
) -> None:
    (tmp_path / "prior.json").write_text(json.dumps(json.loads(cohort[1].read_text()) | change))
    with store.open(tmp_path / "t.db") as empty, refused(empty, InputError, match):
        options = {**OPTIONS, "prior": str(tmp_path / "prior.json")}
        flow.new(empty, "theranostics", files.scans[:1], None, files.regions, files.labs, options=options)


def test_a_prior_of_another_model_is_refused() -> None:
    with pytest.raises(InputError, match="a prior of theranostics 2"):
        promoted_of({"model": "theranostics", "model_version": "2"}, "theranostics", "3")


def test_a_record_with_one_twin_is_promoted_to_nothing(files: Files, tmp_path: Path) -> None:
    with store.open(tmp_path / "t.db") as empty, pytest.raises(InputError, match="0 twins"):
        flow.promote(empty, "theranostics")
