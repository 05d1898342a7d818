"""Dose carried between images: energy is kept, no motion changes nothing, squeezed tissue holds the mean of what it was made of."""

import numpy as np
import pytest

from gemel.core.errors import GeometryError, RangeError
from gemel.core.image import Image
from gemel.engines.registration import DisplacementField, exponential
from gemel.engines.registration.accumulate import Motion, carry_by_value_Gy, carry_Gy, land

SHAPE = (26, 22, 18)
AFFINE = np.diag([3.0, 3.0, 2.5, 1.0])
AFFINE[:3, 3] = [-38.0, 12.0, -20.0]


def smooth_motion(size_mm: float, seed: int = 3) -> Motion:
    """A random smooth velocity that dies out at the edges, and both of its flows."""
    rng, grid = np.random.default_rng(seed), AFFINE @ np.diag([2.0, 2.0, 2.0, 1.0])
    x, y, z = np.meshgrid(*(np.linspace(0, np.pi, (n + 1) // 2 + 1) for n in SHAPE), indexing="ij")
    bump = (np.sin(x) * np.sin(y) * np.sin(z)) ** 2
    turn = np.stack([np.cos(rng.uniform(1, 3) * x + rng.uniform(1, 3) * y + a) for a in range(3)], axis=-1)
    velocity = DisplacementField((size_mm * bump[..., None] * turn).astype(np.float32), grid)
    back = DisplacementField(-velocity.vectors_mm, grid)
    return Motion(exponential(velocity), exponential(back))


@pytest.fixture
def day() -> tuple[Image, np.ndarray]:
    """A dose with steep edges and a density with air, fat, muscle and bone; empty at the edge of the grid."""
    rng = np.random.default_rng(1)
    dose, density = np.zeros(SHAPE, np.float32), np.zeros(SHAPE, np.float32)
    density[3:-3, 3:-3, 3:-3] = rng.choice([0.0, 0.95, 1.04, 1.7], (20, 16, 12), p=[0.05, 0.3, 0.5, 0.15])
    dose[5:-5, 5:-5, 5:-5] = rng.uniform(0, 30, (16, 12, 8))
    return Image(dose, AFFINE), density


def test_no_motion_changes_nothing(day: tuple[Image, np.ndarray]) -> None:
    still = DisplacementField(np.zeros((2, 2, 2, 3), np.float32), AFFINE)
    found = carry_Gy(*day, Motion(still, still), day[0])
    np.testing.assert_allclose(found, day[0].array, atol=1e-4)


@pytest.mark.parametrize("size_mm", [2.0, 6.0])
def test_energy_and_mass_are_kept(day: tuple[Image, np.ndarray], size_mm: float) -> None:
    dose, density = day
    landed = land(dose, density, smooth_motion(size_mm).pull, dose)
    assert landed.energy_Gy_mL.sum() == pytest.approx(float((dose.array * density).sum(dtype=np.float64)) * dose.voxel_mL, rel=1e-6)
    assert landed.mass_mL.sum() == pytest.approx(float(density.sum(dtype=np.float64)) * dose.voxel_mL, rel=1e-6)
    assert landed.energy_Gy_mL.min() >= -1e-9
    moved = np.abs(landed.mass_mL / dose.voxel_mL - density).max()
    assert moved > 0.1  # something did move


def test_by_value_does_not_keep_the_energy(day: tuple[Image, np.ndarray]) -> None:
    """Why energy and mass is the default: on the same motion the values alone lose or gain per cents."""
    dose, density = day
    motion = smooth_motion(6.0)
    mass = land(dose, density, motion.pull, dose).mass_mL
    given = float((dose.array * density).sum(dtype=np.float64)) * dose.voxel_mL
    assert abs(float((carry_by_value_Gy(dose, motion.push, dose) * mass).sum()) / given - 1) > 1e-3


def test_a_whole_voxel_of_shift_is_exact(day: tuple[Image, np.ndarray]) -> None:
    """pull: day(x) = planning(x + u): with u one voxel along x, what was given at index i lands at i + 1."""
    dose, density = day
    shift = np.broadcast_to(np.float32([3.0, 0.0, 0.0]), (2, 2, 2, 3))
    motion = Motion(DisplacementField(shift, AFFINE), DisplacementField(-shift, AFFINE))
    np.testing.assert_allclose(carry_Gy(dose, density, motion, dose)[1:], dose.array[:-1], atol=1e-4)
    np.testing.assert_allclose(carry_by_value_Gy(dose, motion.push, dose)[1:], dose.array[:-1], atol=1e-4)


def blob(spacing_mm: tuple[float, float, float]) -> Image:
    """A Gaussian dose of 9 mm, off the voxel centres, that fades before the edges of the grid."""
    affine = np.diag([*spacing_mm, 1.0])
    index = np.indices((40, 36, 36))
    squares = sum(((n - 0.5 * size - 0.3) * mm) ** 2 for n, size, mm in zip(index, index.shape[1:], spacing_mm, strict=True))
    return Image((20 * np.exp(-squares / (2 * 9.0**2))).astype(np.float32), affine)


def total_and_centre_mm(energy: np.ndarray, affine: np.ndarray) -> tuple[float, np.ndarray]:
    total = float(energy.sum(dtype=np.float64))
    return total, np.einsum("aijk,ijk->a", np.indices(energy.shape), energy.astype(np.float64)) / total * np.diag(affine)[:3]


@pytest.mark.parametrize(
    ("spacing_mm", "shift_mm"),
    [
        ((3.0, 3.0, 3.0), (0.49, 0.0, 0.0)),
        ((3.0, 3.0, 3.0), (1.5, 0.0, 0.0)),
        ((3.0, 3.0, 3.0), (-1.5, 0.49, 0.2)),
        ((3.0, 3.0, 4.0), (0.0, 0.0, 3.3)),
    ],
)
def test_a_part_of_a_voxel_of_shift_is_followed(spacing_mm: tuple[float, float, float], shift_mm: tuple[float, float, float]) -> None:
    """The centre of the energy, and of the dose, moves by u, to 0.02 mm."""
    dose = blob(spacing_mm)
    shift = np.broadcast_to(np.array(shift_mm, np.float32), (2, 2, 2, 3))
    motion = Motion(DisplacementField(shift, dose.affine_mm), DisplacementField(-shift, dose.affine_mm))
    one = np.ones(dose.shape, np.float32)
    given, before = total_and_centre_mm(dose.array, dose.affine_mm)
    landed, after = total_and_centre_mm(land(dose, one, motion.pull, dose).energy_Gy_mL / dose.voxel_mL, dose.affine_mm)
    np.testing.assert_allclose(after - before, shift_mm, atol=0.02)
    assert landed == pytest.approx(given, rel=1e-6)
    np.testing.assert_allclose(total_and_centre_mm(carry_Gy(dose, one, motion, dose), dose.affine_mm)[1] - before, shift_mm, atol=0.02)


def test_tissue_squeezed_by_a_tenth_keeps_its_energy_and_is_denser() -> None:
    """x -> c + 0.9 (x - c): the dose stays what it was at the tissue, its mass a volume is 1/0.9³ of what it was."""
    dose = blob((3.0, 3.0, 3.0))
    one, grid = np.ones(dose.shape, np.float32), np.moveaxis(np.indices(dose.shape), 0, -1) * 3.0
    given, centre = total_and_centre_mm(dose.array, dose.affine_mm)
    landed = land(dose, one, DisplacementField((-0.1 * (grid - centre)).astype(np.float32), dose.affine_mm), dose)
    found, after = total_and_centre_mm(landed.energy_Gy_mL / dose.voxel_mL, dose.affine_mm)
    assert found == pytest.approx(given, rel=1e-6)
    np.testing.assert_allclose(after, centre, atol=0.02)
    inner = (slice(8, -8),) * 3
    np.testing.assert_allclose(landed.mass_mL[inner] / dose.voxel_mL, 0.9**-3, rtol=0.08)  # parts dropped whole: 1.0 to 2.4


def test_tissue_squeezed_to_half_holds_the_mass_weighted_mean() -> None:
    """Voxels that merge in pairs: (1·10 + 3·2)/(1 + 3) = 4 Gy, where the value at the middle says 6. The case of Siebers & Zhong 2008."""
    dose = Image(np.tile(np.float32([[[10.0]], [[2.0]]]), (8, 4, 4)), np.eye(4))
    density = np.tile(np.float32([[[1.0]], [[3.0]]]), (8, 4, 4))
    onto = Image(np.zeros((8, 4, 4), np.float32), np.diag([2.0, 1.0, 1.0, 1.0]) + np.array([[0, 0, 0, 0.5], *[[0.0] * 4] * 3]))
    still = DisplacementField(np.zeros((2, 2, 2, 3), np.float32), np.eye(4))
    np.testing.assert_allclose(carry_Gy(dose, density, Motion(still, still), onto), 4.0, atol=1e-5)
    np.testing.assert_allclose(carry_by_value_Gy(dose, still, onto), 6.0, atol=1e-5)


def test_both_ways_agree_on_a_smooth_dose() -> None:
    x, y, z = np.meshgrid(*(np.linspace(-1, 1, n) for n in SHAPE), indexing="ij")
    dose = Image((20 * np.exp(-2 * (x**2 + y**2 + z**2))).astype(np.float32), AFFINE)
    motion = smooth_motion(4.0)
    found, direct = carry_Gy(dose, np.ones(SHAPE, np.float32), motion, dose), carry_by_value_Gy(dose, motion.push, dose)
    inner = (slice(4, -4),) * 3
    assert np.abs(found[inner] - direct[inner]).max() < 0.6
    assert np.abs(found[inner] - dose.array[inner]).max() > 2.0


def test_where_no_mass_lands_the_value_is_taken(day: tuple[Image, np.ndarray]) -> None:
    dose, density = day
    motion = smooth_motion(2.0)
    nothing = np.zeros_like(density)
    np.testing.assert_array_equal(carry_Gy(dose, nothing, motion, dose), carry_by_value_Gy(dose, motion.push, dose))


def test_what_cannot_be_carried_is_refused(day: tuple[Image, np.ndarray]) -> None:
    dose, density = day
    motion = smooth_motion(1.0)
    with pytest.raises(GeometryError, match=r"density of .* for a dose of"):
        carry_Gy(dose, density[:-1], motion, dose)
    broken = dose.array.copy()
    broken[5, 5, 5] = np.nan
    with pytest.raises(RangeError, match="dose that is negative or not finite"):
        carry_Gy(Image(broken, AFFINE), density, motion, dose)
    with pytest.raises(RangeError, match="density that is negative"):
        carry_Gy(dose, density - 1, motion, dose)
