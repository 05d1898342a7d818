from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from gemel.core.errors import GemelError, GeometryError
from gemel.core.image import Image
from gemel.engines.registration import DisplacementField, exponential, pull, rigid, rigid_map, to_fixed, to_moving, zero_field
from gemel.engines.registration.rigid import RigidResult

SHIFT_mm, TURN_rad = np.array([5.0, -3.0, 2.0]), np.array([0.010, -0.006, 0.014])


def moved(image: Image, shift_mm: np.ndarray, turn_rad: np.ndarray) -> Image:
    inverse = Rotation.from_rotvec(turn_rad).as_matrix().T
    return pull(image, rigid_map(zero_field(image, 2), inverse, np.zeros(3), -inverse @ shift_mm), outside=-1000.0)


def at_origin_mm(result: RigidResult) -> np.ndarray:
    turn = Rotation.from_rotvec(result.rotation_rad).as_matrix()
    return turn @ -result.centre_mm + result.centre_mm + result.translation_mm


def test_shift_and_rotation_are_found_while_soft_tissue_moves(
    planning: Image, filling: DisplacementField, scan: Callable[..., Image]
) -> None:
    day = moved(pull(planning, exponential(filling)), SHIFT_mm, TURN_rad)
    result = rigid(scan(day, np.random.default_rng(1)), planning)
    assert np.abs(at_origin_mm(result) - SHIFT_mm).max() < 0.6  # an eighth of a voxel
    assert np.abs(result.rotation_rad - TURN_rad).max() < 0.004
    assert result.similarity > 0.9


def test_the_covariance_tells_the_spread_over_noise(planning: Image, scan: Callable[..., Image]) -> None:
    day = moved(planning, SHIFT_mm, np.zeros(3))
    found = [rigid(scan(day, np.random.default_rng(seed), noise_HU=45.0), planning) for seed in range(8)]
    values = np.array([np.concatenate([f.translation_mm, f.rotation_rad]) for f in found])
    stated = np.sqrt(np.mean([np.diag(f.covariance) for f in found], axis=0))
    ratio = np.sqrt(np.mean(values.var(axis=0, ddof=1) / stated**2))
    assert 0.6 < ratio < 1.6


def test_a_wrong_start_within_three_centimetres_is_recovered(planning: Image, scan: Callable[..., Image]) -> None:
    fixed = scan(moved(planning, np.array([12.0, 10.0, -8.0]), np.zeros(3)), np.random.default_rng(3))
    result = rigid(fixed, planning, start_mm=(0.0, 0.0, 0.0))
    np.testing.assert_allclose(at_origin_mm(result), (12, 10, -8), atol=0.5)


def test_the_two_maps_undo_each_other(planning: Image, grid: Image) -> None:
    result = RigidResult(SHIFT_mm, TURN_rad, np.array([10.0, 20.0, -5.0]), np.eye(6), 1.0)
    point = np.array([30.0, -20.0, 15.0])
    nodes = replace(zero_field(grid, 2), affine_mm=np.array([[8.0, 0, 0, 30], [0, 8, 0, -20], [0, 0, 8, 15], [0, 0, 0, 1]]))
    there = point + to_fixed(result, nodes).vectors_mm[0, 0, 0]
    turn = Rotation.from_rotvec(TURN_rad).as_matrix()
    np.testing.assert_allclose(there, turn @ (point - result.centre_mm) + result.centre_mm + SHIFT_mm, atol=1e-4)
    nodes = replace(nodes, affine_mm=np.array([[8.0, 0, 0, there[0]], [0, 8, 0, there[1]], [0, 0, 8, there[2]], [0, 0, 0, 1]]))
    np.testing.assert_allclose(there + to_moving(result, nodes).vectors_mm[0, 0, 0], point, atol=1e-4)


def test_images_without_overlap_are_refused(planning: Image) -> None:
    far = planning.affine_mm.copy()
    far[:3, 3] += 5000
    with pytest.raises(GemelError, match=r"no voxel above|no stiff voxel|do not overlap"):
        rigid(Image(planning.array, far), planning)


def test_a_flat_image_is_refused_and_divides_nothing(planning: Image) -> None:
    """Frames that overlap on paper, while what is compared lies elsewhere: every slope is zero."""
    empty = replace(planning, array=np.full(planning.shape, 40.0, np.float32))
    with pytest.raises(GeometryError, match="changes nothing"):
        rigid(planning, empty, mask=np.ones(planning.shape, bool))


def test_activity_beside_the_field_is_refused(planning: Image) -> None:
    """Zero outside instead of air, as in activity: there is a body everywhere, and no overlap all the same."""
    beside = planning.affine_mm.copy()
    beside[0, 3] += 5000.0
    hot = np.maximum(planning.array, 0.0)
    with pytest.raises(GeometryError, match="do not overlap"):
        rigid(Image(hot, beside), Image(hot, planning.affine_mm), mask=hot > 50)
