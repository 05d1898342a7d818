"""A twin is computed again from its originals to the last bit, or the first entry that differs is named."""

from dataclasses import replace
from pathlib import Path

import pytest

from gemel import flow, io, store
from gemel.core.errors import InputError
from gemel.core.image import Image
from gemel.core.system import Progress
from gemel.store import Store
from tests.contract import plugins
from tests.unit.flow import heights


@pytest.fixture
def lived(tower: Store, files: Path) -> str:
    """Days 1 and 3, then day 2 late, then one withdrawn and all computed again."""
    twin = heights.begun(tower, files)
    heights.live(tower, twin, files, [1, 3])
    heights.live(tower, twin, files, [2], acting=False)
    flow.retract(tower, twin, 4, "another patient")
    flow.recompute(tower, twin)
    return twin


def test_every_computation_of_a_life_with_a_late_and_a_withdrawn_scan(tower: Store, lived: str) -> None:
    head = tower.head()
    found = flow.replay(tower, lived)
    assert (found.identical, found.why) == (True, "")
    kinds = [e.kind for e in tower.events(lived)]
    computed = sum(kinds.count(kind) for kind in ("Ingested", "Observed", "Promoted", "Forecast", "Assimilated", "Decided"))
    given = sum(e.kind == "Acted" and "replaces" not in e.payload for e in tower.events(lived))
    assert found.recomputed == computed + given
    assert tower.head() == head
    assert tower.sweep().orphans == ()  # nothing is written


def test_quick_computes_forecasts_and_beliefs_alone(tower: Store, lived: str) -> None:
    kinds = [e.kind for e in tower.events(lived)]
    assert flow.replay(tower, lived, quick=True).recomputed == kinds.count("Forecast") + kinds.count("Assimilated")


def test_an_earlier_version(tower: Store, lived: str) -> None:
    found = flow.replay(tower, lived, version=5)
    assert (found.identical, found.version, found.recomputed) == (True, 5, 5)
    with pytest.raises(InputError, match="versions 1 to"):
        flow.replay(tower, lived, version=99)
    with pytest.raises(InputError, match="version"):
        flow.replay(tower, "nobody")


def _blurred(case: heights.Case, image: Image, progress: Progress) -> heights.Day:
    return heights.Day(float(image.array.mean()) / 10 - case.level_mm + 1e-12, {"similarity": 1.0}, ("a made-up day",))


@pytest.mark.parametrize(
    ("changed", "kind"),
    [
        ({"observe": _blurred}, "Observed"),
        ({"model": lambda case, library: plugins.too_narrow()}, "Promoted"),
        ({"model": lambda case, library: plugins.ignores_data()}, "Assimilated"),
        ({"begin": lambda ct: heights.Case(1e-9, ct, ("a made-up case",))}, "Ingested"),
        ({"deliver": lambda case, day, plan, draws, rng: heights.Part(1.0)}, "Acted"),
        ({"goal": lambda: replace(heights.SYSTEM.goal(), utility=lambda values: values["miss_mm"])}, "Decided"),
    ],
)
def test_a_change_of_the_code_is_found_where_it_first_tells(
    tower: Store, files: Path, monkeypatch: pytest.MonkeyPatch, changed: dict[str, object], kind: str
) -> None:
    twin = heights.begun(tower, files)
    heights.live(tower, twin, files, [1])
    monkeypatch.setattr(flow.registry, "system", lambda name: replace(heights.SYSTEM, **changed))
    found = flow.replay(tower, twin)
    assert found.leaf is not None
    assert found.leaf.kind == kind
    assert "was" in found.why


def test_an_original_that_is_gone_is_named(tower: Store, files: Path) -> None:
    twin = heights.begun(tower, files)
    name = tower.events(twin)[0].inputs[0]
    (tower.artefacts.folder / name[:2] / name).unlink()
    found = flow.replay(tower, twin)
    assert found.leaf == tower.events(twin)[0]
    assert f"no artefact {name}" in found.why


def test_a_scan_without_an_identity_is_read_again_by_its_name(tower: Store, files: Path, tmp_path: Path) -> None:
    twin = heights.begun(tower, files)
    io.write_nifti(tmp_path / "scan.nii.gz", heights.image_of(2.0))
    flow.observe(tower, twin, tmp_path / "scan.nii.gz", time="2026-03-05T09:00")
    assert flow.replay(tower, twin).identical
    hidden = flow.export(tower, twin, tmp_path / "x.zip", hidden=flow.Deidentified(bytes(range(32))))
    assert (hidden.originals, hidden.left_out) == (4, 1)
    with store.open(tmp_path / "other.db") as other:
        assert flow.replay(other, flow.load(other, hidden.path).twin).identical
