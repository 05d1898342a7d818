"""Outlines of one type from the built-in start, a command and a network, put on a visit alike."""

import numpy as np
import pytest

from gemel.core.errors import GeometryError, StructureError
from gemel.core.image import Image
from gemel.core.structures import Structures, dice
from gemel.core.visit import Segmented
from gemel.systems.breast.segment import outlined_by, segmented
from tests.unit.systems.breast.patient import patient, visit


def uptake(contrast: float) -> Image:
    """Contrast taken up: more of it in the tumour; noise of a tenth, and a vessel that is brighter still."""
    made, rng = patient().phantom, np.random.default_rng(0)
    array = 1.0 + contrast * made.tumour + 0.1 * rng.standard_normal(made.tumour.shape)
    array[2:4, 9, 7] = 1.0 + 2 * contrast
    return Image(array.astype(np.float32), made.grid.affine_mm, made.grid.frame)


def test_a_made_tumour_is_found_and_its_visit_is_as_with_its_own_outline() -> None:
    breast = patient().phantom.tissue > 0
    found = segmented(uptake(2.0), breast, acquired_s=visit(0.0).acquired_s, source="made")
    assert isinstance(found, Segmented)
    assert dice(found.structures["tumour"], patient().phantom.tumour) > 0.95
    assert dice(outlined_by(visit(0.0), found).tumour, visit(0.0).tumour) > 0.9


def test_what_does_not_stand_out_or_fit_is_refused() -> None:
    breast = patient().phantom.tissue > 0
    with pytest.raises(StructureError, match="stands out"):
        segmented(uptake(0.0), breast, acquired_s=0.0, source="made")
    with pytest.raises(GeometryError, match="breast mask"):
        segmented(uptake(2.0), breast[1:], acquired_s=0.0, source="made")
    whole = visit(0.0)
    grid = Image(np.zeros(whole.tumour.shape, np.uint8), whole.adc_mm2_s.affine_mm)
    with pytest.raises(StructureError, match="liver"):
        outlined_by(whole, Segmented(Structures(grid, {"liver": whole.tumour}), 0.0, "x"))
    with pytest.raises(StructureError, match="empty outline"):
        outlined_by(whole, Segmented(Structures(grid, {"fat": whole.tumour}), 0.0, "x"))
    away = Image(np.zeros(whole.tumour.shape, np.uint8), np.diag([2.0, 2.0, 2.0, 1.0]))
    with pytest.raises(GeometryError, match="two grids"):
        outlined_by(whole, Segmented(Structures(away, {"lesion": whole.tumour}), 0.0, "x"))
