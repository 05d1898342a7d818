"""Water-equivalent depth: exact on grids where the answer is known."""

import numpy as np
import pytest

from gemel.core.errors import StructureError
from gemel.core.image import Image
from gemel.engines.dose import fraction_through, water_equivalent_depth
from gemel.engines.dose.path import beam_axes


def grid(values: np.ndarray, spacing: tuple[float, float, float] = (2.0, 3.0, 4.0)) -> Image:
    return Image(values, np.diag([*spacing, 1.0]))


@pytest.mark.parametrize(
    ("gantry_deg", "expected"),
    [
        (0.0, lambda i, j, n: (j + 0.5) * 3.0),
        (90.0, lambda i, j, n: (n[0] - i - 0.5) * 2.0),
        (180.0, lambda i, j, n: (n[1] - j - 0.5) * 3.0),
        (270.0, lambda i, j, n: (i + 0.5) * 2.0),
    ],
)
def test_depth_to_the_voxel_centre_along_the_axes(gantry_deg: float, expected) -> None:
    rsp = grid(np.full((7, 9, 2), 1.25, dtype=np.float32))
    i, j, _ = np.indices(rsp.shape)
    assert water_equivalent_depth(rsp, gantry_deg) == pytest.approx(1.25 * expected(i, j, rsp.shape), rel=1e-6)


@pytest.mark.parametrize("gantry_deg", [20.0, 45.0, 117.0, 200.0, 310.0])
def test_oblique_depth_in_a_uniform_block_is_the_distance_to_its_face(gantry_deg: float) -> None:
    rsp = grid(np.ones((8, 9, 1), dtype=np.float32))
    sine, cosine = beam_axes(gantry_deg)
    i, j, _ = np.indices(rsp.shape)
    to_x = np.where(sine < 0, i + 0.5, 8 - i - 0.5) * 2.0 / abs(sine)
    to_y = np.where(cosine > 0, j + 0.5, 9 - j - 0.5) * 3.0 / abs(cosine)
    assert water_equivalent_depth(rsp, gantry_deg) == pytest.approx(np.minimum(to_x, to_y), rel=1e-5)


def test_slices_do_not_mix_and_a_ray_sees_each_cell_for_its_length() -> None:
    values = np.zeros((5, 6, 3), dtype=np.float32)
    values[2, 1, 1] = 2.0
    depth = water_equivalent_depth(grid(values), 0.0)
    assert depth[2, 1:, 1] == pytest.approx([3.0, 6, 6, 6, 6])
    assert np.count_nonzero(depth[:, :, [0, 2]]) == 0
    assert np.count_nonzero(depth[[0, 1, 3, 4]]) == 0


def test_fraction_of_target_rays_through_a_dense_block() -> None:
    hu = np.zeros((10, 10, 10))
    hu[2:5, 1, :] = 3000
    target = np.zeros(hu.shape, dtype=bool)
    target[0:10, 6:8, 3:6] = True
    image = grid(hu, (1.0, 1.0, 1.0))
    assert fraction_through(image, 2000, target, 0.0) == pytest.approx(0.3)
    assert fraction_through(image, 2000, target, 180.0) == 0.0
    assert fraction_through(image, 3500, target, 0.0) == 0.0


def test_dense_voxels_of_the_target_itself_do_not_count() -> None:
    hu = np.full((4, 4, 4), 2500.0)
    assert fraction_through(grid(hu), 2000, np.ones(hu.shape, dtype=bool), 33.0) == 0.0
    with pytest.raises(StructureError, match="empty target"):
        fraction_through(grid(hu), 2000, np.zeros(hu.shape, dtype=bool), 0.0)
