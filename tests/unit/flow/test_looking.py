"""What is looked at: volumes found in any dataclass, regions in as few label maps as hold them whole, the list, provenance, comparison."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jaxtyping import Bool, Float

from gemel import flow
from gemel.core.activity import ActivityImage
from gemel.core.errors import InputError
from gemel.core.image import Array, Image
from gemel.core.page import Cut, Page, Views
from gemel.core.structures import Structures
from gemel.flow.charts import charts, page_of
from gemel.flow.labelling import layers
from gemel.flow.listing import row_of
from gemel.flow.options import comparison, plans
from gemel.flow.provenance import provenance
from gemel.flow.session import open_session
from gemel.flow.volumes import key_of, volumes, window_of
from gemel.flow.walking import unit_told, walked, words_of
from gemel.store import Store
from tests.unit.flow import heights

AFFINE = np.diag([2.0, 2.0, 3.0, 1.0])
GRID = Image(np.zeros((6, 5, 4), np.float32), AFFINE)


def box(low: int, high: int) -> Array:
    mask = np.zeros(GRID.shape, bool)
    mask[low:high] = True
    return mask


@dataclass(frozen=True)
class Body:
    """Arrays placed by the grid beside them."""

    grid: Image
    organ: Bool[Array, "x y z"]
    nothing: Bool[Array, "x y z"]
    fat_1: Float[Array, "x y z"]
    other: Float[Array, "n"]


@dataclass(frozen=True)
class Kept:
    """What a system may keep, in every way."""

    ct: Image
    density_g_cm3: tuple[Image, ...]
    maps: Mapping[str, Image]
    body: Body
    structures: Structures
    scan: ActivityImage
    notes: tuple[str, ...]


def ramp(scale: float = 1.0) -> Image:
    return replace(GRID, array=np.arange(120, dtype=np.float32).reshape(GRID.shape) * np.float32(scale))


@pytest.fixture
def kept() -> Kept:
    body = Body(GRID, box(1, 3), box(0, 0), ramp().array, np.zeros(3))
    scan = ActivityImage(ramp(), "Bq/mL", "Lu-177", 10.0, 5.0, 0.0, 100.0, "start")
    return Kept(ramp(), (ramp(2),), {"xx": ramp(3)}, body, Structures(GRID, {"CTV": box(0, 2)}), scan, ("a note",))


def test_images_and_regions_are_found_by_their_types(kept: Kept) -> None:
    found = {met.path: type(met.part).__name__ for met in walked(kept)}
    assert found == {
        ("ct",): "Image",
        ("density_g_cm3",): "Image",
        ("maps", "xx"): "Image",
        ("body",): "Structures",
        ("body", "fat_1"): "Image",
        ("structures",): "Structures",
        ("scan",): "ActivityImage",
    }
    regions = next(met.part for met in walked(kept) if met.path == ("body",))
    assert isinstance(regions, Structures)
    assert list(regions.masks) == ["organ"]  # what is empty is no region


@pytest.mark.parametrize(
    ("path", "words", "unit"),
    [
        (("ct",), "ct", ""),
        (("density_g_cm3",), "density", "g/cm3"),
        (("body", "fat_1"), "fat", "1"),
        (("adc_mm2_s", "2"), "adc 2", "mm2/s"),
    ],
)
def test_names_are_read_without_their_units(path: tuple[str, ...], words: str, unit: str) -> None:
    assert (words_of(path), unit_told(path)) == (words, unit)


def test_every_region_is_whole_in_one_map_and_no_two_of_a_map_overlap() -> None:
    masks = {"BODY": box(0, 6), "CTV": box(2, 4), "DIL": box(3, 4), "RECTUM": box(0, 2), "EMPTY": box(0, 0)}
    found = layers(Structures(GRID, masks))
    seen = {label.name: (one, label) for one in found for label in one.labels}
    assert sorted(seen) == ["BODY", "CTV", "DIL", "RECTUM"]
    for name, (one, label) in seen.items():
        np.testing.assert_array_equal(one.image.array == label.value, masks[name])
    assert len(found) == 3  # DIL lies in CTV, which lies in BODY
    assert len({label.value for _, label in seen.values()}) == len({label.colour for _, label in seen.values()}) == 4


def test_the_same_image_has_the_same_key_wherever_it_is_kept() -> None:
    assert key_of(ramp()) == key_of(Image(ramp().array.copy(), AFFINE.copy(), "1.2.3"))
    assert key_of(ramp()) != key_of(ramp(1.001))
    moved = AFFINE.copy()
    moved[0, 3] = 1.0
    assert key_of(ramp()) != key_of(Image(ramp().array, moved))


def test_windows_show_what_is_there() -> None:
    assert window_of(ramp().array, "HU", "scan") == (-160.0, 240.0)
    assert window_of(ramp().array, "Gy", "dose") == (0.0, 119.0)
    low, high = window_of(ramp().array, "1", "map")
    assert (low, high) == (pytest.approx(2.18), pytest.approx(118.41))
    flat = window_of(np.ones(GRID.shape), "1", "map")
    assert flat[1] > flat[0]


@pytest.fixture
def lived_twin(tower: Store, files: Path) -> str:
    twin = heights.begun(tower, files)
    heights.live(tower, twin, files, (1, 2))
    return twin


def test_volumes_of_a_twin_each_once_with_the_forecasts_of_its_page(tower: Store, lived_twin: str) -> None:
    session = open_session(tower, lived_twin)
    found = volumes(session)
    assert [(v.name, v.role, v.unit, v.at_s) for v in found] == [("CT, planning", "scan", "HU", heights.day_s(0))]
    forecast = Views("Forecast against scan", (Cut("now", ramp(), 2, top=50.0),), Structures(GRID, {}), "1")
    again = Views("Scans", (Cut("then", session.case.ct, 2),), Structures(GRID, {}), "HU")
    labels = Views("Regions", (Cut("then", ramp(5), 2),), Structures(GRID, {}), "label")
    shown = volumes(session, Page((forecast, again, labels)))
    assert [(v.name, v.role, v.window) for v in shown[1:]] == [("Forecast against scan: now", "forecast", (0.0, 50.0))]
    planes = Views("Absorbed dose", (Cut("axial, kidney", ramp(), 2), Cut("coronal", ramp(), 1)), Structures(GRID, {}), "Gy")
    assert [v.name for v in volumes(session, Page((planes,)))[1:]] == ["Absorbed dose"]


def test_fourteen_regions_have_fourteen_colours() -> None:
    masks = {f"region {n}": np.arange(GRID.array.size).reshape(GRID.shape) == n for n in range(14)}
    colours = [label.colour for layer in layers(Structures(GRID, masks)) for label in layer.labels]
    assert len(set(colours)) == 14


def test_the_list_tells_a_twin_from_what_is_none(tower: Store, lived_twin: str) -> None:
    row = row_of(tower, lived_twin)
    assert row is not None
    assert (row.system, row.badge, row.alarms, row.tainted) == ("height", "twin", 0, False)
    tower.append("object", "Ingested", {"uid": "1.2"})
    assert row_of(tower, "object") is None


def test_what_was_withdrawn_and_not_computed_again_is_told_until_it_is(tower: Store, lived_twin: str) -> None:
    scan = next(e for e in tower.events(lived_twin) if e.kind == "Observed")
    flow.retract(tower, lived_twin, scan.version, "wrong")
    row = row_of(tower, lived_twin)
    assert row is not None
    assert row.tainted
    assert "1 Assimilated, 1 Decided" in row.taint_words
    flow.recompute(tower, lived_twin)
    after = row_of(tower, lived_twin)
    assert after is not None
    assert (after.tainted, after.taint_words) == (False, "")


def test_provenance_is_what_an_entry_rests_on_and_nothing_else(tower: Store, lived_twin: str) -> None:
    events = tower.events(lived_twin)
    decided = [e for e in events if e.kind == "Decided"]
    whole, first = provenance(tower, lived_twin), provenance(tower, lived_twin, str(decided[0].version))
    versions = {node.version for node in first.nodes if node.version}
    assert {node.version for node in whole.nodes if node.version} == {e.version for e in events}
    assert versions == {1, 2, 3, 4, 6}  # planning, library, forecast, scan, the decision; not the belief, which another scan tests
    assert sum(node.kind == "original" for node in first.nodes) == 2  # planning and the first scan
    names = {node.id for node in first.nodes}
    assert all(source in names and target in names for source, target in first.edges)
    assert not any(node.tainted for node in whole.nodes)
    scan = next(e for e in events if e.kind == "Observed")
    flow.retract(tower, lived_twin, scan.version, "wrong")
    tainted = {node.version for node in provenance(tower, lived_twin).nodes if node.tainted and node.version}
    assert {scan.version, decided[0].version} <= tainted
    assert 1 not in tainted
    with pytest.raises(InputError, match="no entries '99'"):
        provenance(tower, lived_twin, "99")


def test_a_comparison_is_the_decision_with_units_and_what_was_given(tower: Store, lived_twin: str) -> None:
    session = open_session(tower, lived_twin)
    decided = [e for e in session.entries if e.kind == "Decided"][-1]
    found = comparison(session)
    assert found is not None
    assert (found.recommended, found.unit, found.version) == (decided.payload["recommended"], "mm", decided.version)
    for plan, readouts in found.readouts.items():
        for name, spread in readouts.items():
            assert [spread.median, spread.low, spread.high] == decided.payload["readouts"][plan][name]
            assert spread.unit == session.twin.model.readouts[name].unit
    assert found.given is not None
    assert found.given.plan == found.recommended
    assert [point.name for point in found.front] == [o["name"] for o in decided.payload["options"]]
    assert set(plans(session)) >= {o["name"] for o in decided.payload["options"]}


def test_charts_hold_each_scan_within_its_forecast(tower: Store, lived_twin: str) -> None:
    session = open_session(tower, lived_twin)
    found, tables = charts(session, page_of(session))
    assert tables == ()
    ledger = found[-1]
    assert ledger.title == "Forecasts against scans"
    ahead, scan = ledger.panels[0].traces
    rows: Any = [e for e in session.entries if e.kind == "Forecast"]
    low, high = np.array([e.payload["interval_90"]["height_mm"] for e in rows]).reshape(2, 2).T
    np.testing.assert_allclose((ahead.low, ahead.high), (low, high))
    np.testing.assert_allclose(scan.x, [0.0, 1.0])
