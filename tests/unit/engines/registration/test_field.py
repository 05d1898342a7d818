import numpy as np
import pytest

from gemel.core.errors import GeometryError
from gemel.core.image import Image
from gemel.engines.registration import DisplacementField, coarse_grid, combine, zero_field


def test_a_field_is_refused_when_it_is_not_finite() -> None:
    vectors = np.zeros((2, 2, 2, 3), np.float32)
    vectors[1, 1, 1, 0] = np.nan
    with pytest.raises(GeometryError, match="not finite"):
        DisplacementField(vectors, np.eye(4))


def test_a_field_is_refused_when_its_affine_has_no_inverse() -> None:
    with pytest.raises(GeometryError, match="cannot be inverted"):
        DisplacementField(np.zeros((2, 2, 2, 3), np.float32), np.diag([1.0, 0.0, 1.0, 1.0]))


def test_the_coarse_grid_starts_at_the_first_voxel_and_covers_the_last() -> None:
    image = Image(np.zeros((7, 8, 1), np.float32), np.diag([2.0, 3.0, 4.0, 1.0]))
    shape, affine_mm = coarse_grid(image, 3)
    assert shape == (3, 4, 1)
    np.testing.assert_allclose(np.diag(affine_mm), (6, 9, 12, 1))


def test_combining_weighs_the_fields_and_refuses_two_grids(grid: Image) -> None:
    one = DisplacementField(np.ones((4, 4, 4, 3), np.float32), np.eye(4))
    np.testing.assert_allclose(combine([one, one], np.array([2.0, -0.5])).vectors_mm, 1.5)
    with pytest.raises(GeometryError, match="different grids"):
        combine([one, zero_field(grid, 2)], np.ones(2))
