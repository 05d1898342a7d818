"""From an earlier CT to a protocol: requests read, the place found, numbers that are no HU refused, the page written."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gemel.core.errors import GeometryError, InputError, RangeError, UnitError
from gemel.core.image import Image
from gemel.core.page import Table
from gemel.devices.ct import generic, water_ellipse_HU
from gemel.devices.ct.choice import Allowed, Doubt
from gemel.flow.protocols import Asked, Recommended, as_values, reason, recommend, task_of, warnings, write_page
from gemel.flow.protocols.page import sections

FEW = Allowed(kVp=(100.0, 120.0), slice_mm=(5.0,), kernels=("soft",), modulation=(0.0, 1.0))
ASKED = Asked(task_of("6 mm, -25 HU, liver"), target=2.0, allowed=FEW)


def phantom(a_cm: float = 32, b_cm: float = 24) -> Image:
    affine = np.diag([3.0, 3.0, 5.0, 1.0])
    affine[:3, 3] = (-298.5, -298.5, 40.0)
    hu = water_ellipse_HU(a_cm, b_cm).astype(np.float32)
    return Image(np.repeat(hu[:, :, None], 4, axis=2), affine)


@pytest.fixture(scope="module")
def found() -> Recommended:
    return recommend(phantom(), ASKED, scanner=generic())


@pytest.mark.parametrize(
    ("words", "size", "contrast", "iodine", "shape", "observer"),
    [
        ("5 mm, -15 HU", 5, -15, 0, "sphere", "npwe"),
        ("rod 3.5mm 20 HU npw", 3.5, 20, 0, "rod", "npw"),
        ("8 mm, 2 mg/mL iodine, liver", 8, 0, 2, "sphere", "npwe"),
        ("8 mm, −30 HU pw", 8, -30, 0, "sphere", "pw"),
        ("8 mm, 1.5 mg I/ml", 8, 0, 1.5, "sphere", "npwe"),
        ("a lesion - 6 mm, -25 HU", 6, -25, 0, "sphere", "npwe"),
    ],
)
def test_a_request_in_words(words: str, size: float, contrast: float, iodine: float, shape: str, observer: str) -> None:
    task = task_of(words)
    assert (task.diameter_mm, task.contrast_HU, task.iodine_mg_mL, task.shape, task.observer) == (size, contrast, iodine, shape, observer)


@pytest.mark.parametrize(
    "words",
    ["", "5 mm", "-15 HU", "5 mm 6 mm -15 HU", "5 mm, -15 HU, 2 mg/mL", "5 cm, -15 HU", "5 mm, 0 HU", "0 mm, 5 HU"],
)
def test_a_request_that_says_too_little_or_too_much(words: str) -> None:
    with pytest.raises((InputError, ValueError), match=r"mm|HU"):
        task_of(words)


@pytest.mark.parametrize(
    "words",
    ["6,5 mm, -25 HU", "6 mm, 1e3 HU", "6 mm, 10-15 HU", "6 mm, 10–15 HU", "6 - 8 mm, 20 HU", "6 to 8 mm, 20 HU", "5 mm, .5 HU"],
)
def test_the_end_of_another_number_is_not_taken_for_one(words: str) -> None:
    with pytest.raises(InputError, match="decimal point"):
        task_of(words)


def test_the_recommendation_meets_the_target_and_says_why(found: Recommended) -> None:
    best = found.choice.chosen
    assert best is not None
    assert best.probability >= 0.95
    assert f"P(d' ≥ 2) {best.probability:.0%}" in reason(found)
    values = as_values(found)
    assert values["recommended"]["ssde_mGy"] == pytest.approx(best.dose_mGy)
    assert len(values["protocols"]) == 4
    assert values["water_equivalent_diameter_cm"] == pytest.approx(np.sqrt(32 * 24), rel=0.01)


def test_noise_is_largest_in_the_middle_and_the_lesion_lies_in_the_body(found: Recommended) -> None:
    map_HU = found.noise_HU
    n = len(map_HU) // 2
    assert map_HU[n, n] > 1.3 * map_HU[n, n + int(n * 115 / (found.map_mm / 2))]
    best = found.choice.judged[0].forecast
    assert map_HU[n, n] == pytest.approx(best.sd_HU, rel=0.05)


def test_a_place_is_in_the_patients_coordinates(found: Recommended) -> None:
    off = recommend(phantom(), replace(ASKED, at_mm=(0.0, 95.0, 50.0)), scanner=generic())
    assert off.choice.judged[0].task.place_mm == pytest.approx((0.0, 95.0), abs=1.6)
    assert off.slice_index == 2
    assert off.choice.judged[0].dose_mGy < found.choice.judged[0].dose_mGy  # less noise near the skin of the thin side


def test_a_scanner_that_has_lost_sharpness_needs_more(found: Recommended) -> None:
    worn = recommend(phantom(), ASKED, scanner=generic(), doubt=Doubt(scanner=np.full(10, np.log(0.8))))
    assert worn.choice.judged[0].forecast.ctdivol_mGy > 1.3 * found.choice.judged[0].forecast.ctdivol_mGy


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (replace(phantom(), array=phantom().array + 1024), "nothing below 24 HU"),
        (replace(phantom(), array=phantom().array * 0.5), "air around the body reads -500"),
        (replace(phantom(), array=phantom().array - 130), "air around the body reads -1130"),
        (replace(phantom(), array=np.where(phantom().array > -500, phantom().array + 250, phantom().array)), "reads 250"),
        (replace(phantom(), array=np.where(phantom().array > -500, np.nan, phantom().array)), r"nan|no body"),
    ],
    ids=["stored values", "wrong slope", "wrong intercept", "not calibrated", "no numbers"],
)
def test_numbers_that_are_no_HU(image: Image, words: str) -> None:
    with pytest.raises((UnitError, InputError), match=words):
        recommend(image, ASKED, scanner=generic())


def test_places_that_cannot_be() -> None:
    with pytest.raises(GeometryError, match="outside the image"):
        recommend(phantom(), replace(ASKED, at_mm=(0.0, 0.0, 500.0)), scanner=generic())
    with pytest.raises(GeometryError, match="outside the image"):
        recommend(phantom(), replace(ASKED, at_mm=(float("nan"), 0.0, 50.0)), scanner=generic())
    with pytest.raises(GeometryError, match="outside the body"):
        recommend(phantom(), replace(ASKED, at_mm=(250.0, 0.0, 50.0)), scanner=generic())
    air = replace(phantom(), array=np.full((200, 200, 4), -1000.0, dtype=np.float32))
    with pytest.raises(InputError, match="no body"):
        recommend(air, ASKED, scanner=generic())


@pytest.mark.parametrize(("times", "words"), [(0.1, "2.8 cm of water"), (1.5, "900 x 900 mm")])
def test_a_patient_of_a_size_that_nobody_has(times: float, words: str) -> None:
    scaled = replace(phantom(), affine_mm=phantom().affine_mm * np.array([times, times, 1.0, 1.0]))
    with pytest.raises(GeometryError, match=words):
        recommend(scaled, ASKED, scanner=generic())


def test_a_place_in_bone_and_the_least_exposure_are_warned_of(found: Recommended) -> None:
    assert found.ground_HU == pytest.approx(0.0, abs=1e-3)
    bone = phantom().array.copy()
    bone[96:104, 96:104] = 700.0
    easy = replace(ASKED, target=0.5, allowed=replace(FEW, least_mAs=50.0))
    words = " ".join(warnings(recommend(replace(phantom(), array=bone), easy, scanner=generic())))
    assert "reads 700 HU (bone" in words
    assert "50 mAs is the least that is allowed" in words
    assert "the lesion's place" not in " ".join(warnings(found))
    assert "is the least" not in " ".join(warnings(found))


def test_the_page_names_scanner_recommendation_and_limits(found: Recommended, tmp_path: Path) -> None:
    text = write_page(found, tmp_path, title="A patient <b>", made="2026-01-01T00:00Z").read_text(encoding="utf-8")
    for words in ("generic third-generation CT", "not fitted to any machine", "A patient &lt;b&gt;", "Research software"):
        assert words in text
    assert text.count("data:image/png") == 3
    assert "a predictor, not a diagnosis" in text


def test_metal_and_a_patient_off_centre_are_warned_of_with_their_cost() -> None:
    low = phantom().array.copy()
    low[:, 30:, :] = low[:, :-30, :].copy()
    low[:, :30, :] = -1000.0
    low[96:98, 110:112, :] = 3071.0
    said = recommend(replace(phantom(), array=low), ASKED, scanner=generic())
    assert said.off is not None
    assert said.off.off_mm == pytest.approx(90.0, abs=2.0)
    assert said.metal_mm2 == pytest.approx(36.0)
    words = " ".join(warnings(said))
    assert "36 mm² of metal" in words
    assert "90 mm off centre" in words


def test_the_page_holds_doses_of_the_whole_scan_where_they_can_be_told(found: Recommended) -> None:
    def table(of: Recommended) -> Table:
        last = sections(of)[-1]
        assert isinstance(last, Table)
        return last

    told = table(replace(found, asked=replace(ASKED, region="abdomen", length_mm=300.0)))
    best = found.choice.judged[0].forecast.ctdivol_mGy
    held = dict(zip(told.columns, told.rows[0]))
    assert (held["DLP mGy·cm"], held["effective mSv"]) == (f"{30 * best:.3g}", f"{0.015 * 30 * best:.3g}")
    assert "DLP mGy·cm" not in table(replace(found, source="water")).columns
    assert "effective mSv" not in table(found).columns


def test_a_scan_of_negative_length_and_a_region_without_coefficients_are_refused() -> None:
    with pytest.raises(RangeError, match="-1 mm"):
        replace(ASKED, length_mm=-1.0)
    with pytest.raises(RangeError, match="knee"):
        replace(ASKED, region="knee")
