"""A visit that was shifted or bent is brought back onto the first one, and its tumour is not stretched to what it was."""

from dataclasses import replace

import numpy as np
import pytest

from gemel.core.diffusion import DiffusionVisit
from gemel.core.errors import StructureError
from gemel.core.structures import dice
from gemel.engines.registration import Smoothness
from gemel.systems.breast import align
from gemel.systems.breast.align import Placed, aligned
from gemel.systems.breast.case import Case, begin
from gemel.systems.breast.grid import onto
from gemel.systems.breast.observe import _first, observe
from tests.unit.systems.breast import textured
from tests.unit.systems.breast.textured import AFTER_mm, CENTRE_mm, SPACING_mm, distance_mm, first, later

BEND_mm = 6.0


@pytest.fixture(scope="module")
def case() -> Case:
    return begin(first(), mechanics=False)


def placed(case: Case, visit: DiffusionVisit) -> tuple[Placed, np.ndarray]:
    """What was found, and the outline as it lies on the first visit."""
    found = aligned(visit, case.adc_mm2_s, _first(case))
    return found, onto(visit.adc_mm2_s, visit.tumour, first().adc_mm2_s, found.field) >= 0.5


def off_mm(tumour: np.ndarray) -> float:
    return float(np.linalg.norm(np.argwhere(tumour).mean(axis=0) * SPACING_mm - CENTRE_mm))


@pytest.mark.parametrize("shift_mm", [(0.0, 0.0, 0.0), (4.0, -3.0, 5.0), (8.0, 6.0, -4.0)])
def test_a_shift_is_found_and_undone(case: Case, shift_mm: tuple[float, float, float]) -> None:
    """Within 0.4 mm of its length, the tumour's centre within 0.6 mm; nothing is bent by more than 1.5 mm in the tumour."""
    found, tumour = placed(case, later(shift_mm, 0.0))
    assert found.moved_mm == pytest.approx(np.linalg.norm(shift_mm), abs=0.4)
    assert off_mm(tumour) < 0.6
    assert found.deformed_mm < 1.5


def test_a_smooth_deformation_is_found_and_the_tumour_keeps_its_size(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """A push of 6 mm: with the deformation Dice is over 0.85 and the volume within 12 %; rigid motion alone leaves half as much again."""
    visit = later((4.0, -3.0, 2.0), BEND_mm)
    found, tumour = placed(case, visit)
    truth = distance_mm() < AFTER_mm
    assert dice(tumour, truth) > 0.85
    assert off_mm(tumour) < 1.3
    assert tumour.sum() == pytest.approx(truth.sum(), rel=0.12)
    assert found.deformed_mm > 1.0
    monkeypatch.setattr(align, "DEFORMED", Smoothness(1e-3, 25.0))
    stiff = placed(case, visit)[1]
    assert off_mm(stiff) > 1.5 * off_mm(tumour)
    assert dice(stiff, truth) < dice(tumour, truth)


def test_what_the_twin_is_told_hardly_depends_on_how_the_patient_lay(case: Case) -> None:
    """ln of cells and of volume of a moved and bent visit against the same tumour left where it was, within 0.12."""
    seen = _here(later((0.0, 0.0, 0.0), 0.0)), later((4.0, -3.0, 2.0), BEND_mm)
    still, moved = (observe(case, visit, lambda *_: None) for visit in seen)
    for kind in ("ln_cells_1", "ln_volume_1"):
        assert float(moved.values[kind][0]) == pytest.approx(float(still.values[kind][0]), abs=0.12)
    assert still.quality["moved_mm"] == still.quality["deformed_mm"] == 0.0
    assert moved.quality["moved_mm"] > 3.0


def test_nothing_left_needs_no_place_and_another_breast_is_refused(case: Case) -> None:
    gone = aligned(later((4.0, -3.0, 2.0), 0.0, gone=True), case.adc_mm2_s, _first(case))
    assert (gone.moved_mm, gone.similarity, gone.field) == (0.0, 1.0, None)
    far = later((28.0, 0.0, 0.0), 0.0)
    with pytest.raises(StructureError, match="beyond the first one"):
        observe(case, _here(far), lambda *_: None)


def _here(visit: DiffusionVisit) -> DiffusionVisit:
    """The visit as if it lay in the first one's frame of reference."""
    return replace(visit, adc_mm2_s=replace(visit.adc_mm2_s, frame=textured.first().adc_mm2_s.frame))
