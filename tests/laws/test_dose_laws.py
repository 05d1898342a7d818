"""What every pencil-beam dose must obey, whatever the machine."""

import numpy as np
import pytest

from gemel.core.image import Image
from gemel.devices.proton import Machine
from gemel.engines.dose import influence
from gemel.engines.dose.bragg import MEV_CM2_G_TO_GY_MM2_PER_1E6
from gemel.engines.dose.monte_carlo import tally

GY_MM3_TO_MEV = 1 / (10 * MEV_CM2_G_TO_GY_MM2_PER_1E6)  # Gy mm³ of water per 1e6 protons in MeV per proton


def block(shape: tuple[int, int, int], spacing: tuple[float, float, float], value: float = 1.0) -> Image:
    """A uniform block with its centre at the origin."""
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = [-(n - 1) / 2 * d for n, d in zip(shape, spacing)]
    return Image(np.full(shape, value, dtype=np.float32), affine)


def depth_dose(rsp: Image, energy_MeV: float, kept: float = 0.9999) -> tuple[np.ndarray, np.ndarray]:
    """Depth and laterally integrated dose (Gy mm²) of one spot from gantry 0."""
    spot = np.array([[0.0, 0.0, 0.0, energy_MeV]])
    dose = influence(rsp, spot, Machine.generic(), np.zeros(3), kept=kept).toarray().reshape(rsp.shape)
    dx, dy, dz = rsp.spacing_mm
    return (np.arange(rsp.shape[1]) + 0.5) * dy, dose.sum(axis=(0, 2)) * dx * dz


def r80_mm(depth_mm: np.ndarray, dose: np.ndarray) -> float:
    peak = int(dose.argmax())
    return float(np.interp(-0.8, -dose[peak:] / dose[peak], depth_mm[peak:]))


def test_dose_is_linear_in_the_weights() -> None:
    rng = np.random.default_rng(0)
    spots = np.column_stack([rng.choice([0.0, 40.0, 90.0], 12), rng.uniform(-10, 10, (12, 2)), rng.uniform(70, 110, 12)])
    matrix = influence(block((30, 30, 20), (3.0, 3.0, 3.0)), spots, Machine.generic(), np.zeros(3)).astype(np.float64)
    a, b = rng.random(12), rng.random(12)
    assert matrix @ (2 * a + 3 * b) == pytest.approx(2 * (matrix @ a) + 3 * (matrix @ b), rel=1e-12)


def test_shifting_image_and_isocentre_together_changes_nothing() -> None:
    rng = np.random.default_rng(1)
    rsp = Image(rng.uniform(0.2, 1.6, (24, 28, 16)).astype(np.float32), block((24, 28, 16), (3.0, 2.5, 4.0)).affine_mm)
    spots = np.array([[0.0, 3.0, -4.0, 80.0], [127.0, -6.0, 2.0, 75.0]])
    moved = rsp.affine_mm.copy()
    moved[:3, 3] += [128.0, -64.5, 32.25]
    here = influence(rsp, spots, Machine.generic(), np.array([1.0, 2.0, 3.0]))
    there = influence(Image(rsp.array, moved), spots, Machine.generic(), np.array([129.0, -62.5, 35.25]))
    assert np.array_equal(here.indices, there.indices)
    assert np.array_equal(here.data, there.data)


def test_a_shift_of_the_isocentre_alone_does_change_the_dose() -> None:
    rsp, spot = block((24, 28, 16), (3.0, 3.0, 3.0)), np.array([[0.0, 0.0, 0.0, 80.0]])
    here, there = (influence(rsp, spot, Machine.generic(), np.array([x, 0.0, 0.0])).toarray() for x in (0.0, 0.5))
    assert np.abs(here - there).max() > 0.02 * here.max()


@pytest.mark.parametrize("energy_MeV", [100.0, 200.0])
def test_stopping_powers_3_5_percent_higher_bring_r80_3_5_percent_nearer(energy_MeV: float) -> None:
    shape, spacing = (31, 300, 31), (3.0, 1.0, 3.0)
    here, nearer = (r80_mm(*depth_dose(block(shape, spacing, value), energy_MeV, 0.99)) for value in (1.0, 1.035))
    assert here / nearer == pytest.approx(1.035, abs=0.001)


def test_opposed_beams_mirror_each_other_in_a_symmetric_phantom() -> None:
    rsp = block((40, 30, 20), (3.0, 3.0, 3.0))
    rsp.array[18:22, 12:18] = 1.5
    left, right = (
        influence(rsp, np.array([[g, 0.0, 0.0, 100.0]]), Machine.generic(), np.zeros(3)).toarray().reshape(rsp.shape) for g in (90.0, 270.0)
    )
    assert left == pytest.approx(right[::-1], abs=1e-5 * float(left.max()))


def test_a_quarter_turn_of_the_gantry_is_a_quarter_turn_of_the_dose() -> None:
    rsp = block((36, 36, 12), (3.0, 3.0, 3.0))
    front, side = (
        influence(rsp, np.array([[g, 7.0, 2.0, 90.0]]), Machine.generic(), np.zeros(3)).toarray().reshape(rsp.shape) for g in (0.0, 90.0)
    )
    assert side == pytest.approx(np.rot90(front, 1), abs=1e-5 * float(front.max()))


@pytest.mark.parametrize("gantry_deg", [30.0, 45.0, 200.0])
def test_energy_deposited_does_not_depend_on_the_angle(gantry_deg: float) -> None:
    """In a cylinder of water the beam always enters at the same distance from the axis."""
    rsp = block((70, 70, 40), (2.0, 2.0, 3.0), 0.0)
    x = rsp.origin_mm[0] + 2.0 * np.arange(70)
    rsp.array[x[:, None] ** 2 + x[None, :] ** 2 <= 60**2] = 1.0
    mass = rsp.array.astype(np.float64).ravel()
    straight, turned = (
        float(influence(rsp, np.array([[g, 0.0, 0.0, 80.0]]), Machine.generic(), np.zeros(3)).T.dot(mass)[0]) for g in (0.0, gantry_deg)
    )
    assert turned == pytest.approx(straight, rel=0.01)


@pytest.mark.parametrize("energy_MeV", [70.0, 150.0, 225.0])
def test_lateral_integral_is_the_integral_depth_dose(energy_MeV: float) -> None:
    row = Machine.generic().layer(energy_MeV)
    depth, dose = depth_dose(block((61, 380, 61), (3.0, 1.0, 3.0)), energy_MeV, 0.999)
    inside = depth < row.range_mm + 3
    assert dose[inside] == pytest.approx(np.interp(depth, row.depth_mm, row.idd_Gy_mm2)[inside], rel=0.005, abs=2e-3 * dose.max())


@pytest.mark.parametrize("energy_MeV", [70.0, 150.0, 225.0])
def test_energy_deposited_is_the_energy_brought_less_what_nuclear_reactions_carry_off(energy_MeV: float) -> None:
    """What neutrons and separation energies take is counted by the Monte Carlo that the depth doses come from."""
    _, dose = depth_dose(block((61, 380, 61), (3.0, 1.0, 3.0)), energy_MeV, 0.999)
    spot, water = np.array([[0.0, 0.0, 0.0, energy_MeV]]), block((101, 60, 101), (6.0, 7.0, 6.0))
    water.affine_mm[1, 3] = 3.5
    found = tally(water, spot, np.ones(1), Machine.generic(), np.zeros(3), 32_000, 1, values="rsp")
    assert dose.sum() * GY_MM3_TO_MEV == pytest.approx(found.deposited_MeV, rel=0.005)
    assert 0.005 < 1 - found.deposited_MeV / found.in_MeV < 0.1


def test_lateral_width_is_that_of_the_double_gaussian() -> None:
    rsp, energy = block((121, 160, 121), (1.5, 1.0, 1.5)), 150.0
    dose = influence(rsp, np.array([[0.0, 0, 0, energy]]), Machine.generic(), np.zeros(3), kept=0.99999)
    dose = dose.toarray().reshape(rsp.shape)
    row = Machine.generic().layer(energy)
    x = rsp.origin_mm[0] + 1.5 * np.arange(121)
    for depth in (30.5, 100.5, 150.5):
        core, halo, w = (np.interp(depth, row.depth_mm, t) for t in (row.sigma1_mm, row.sigma2_mm, row.weight2))
        profile = dose[:, int(depth), :].sum(axis=1)
        variance = (profile * x**2).sum() / profile.sum()
        assert variance == pytest.approx(row.spot_sigma_mm**2 + (1 - w) * core**2 + w * halo**2, rel=0.01)


@pytest.mark.parametrize("aim_mm", [(0.0, 0.0), (4.1, -7.3), (-5.25, 2.6)])
def test_the_dose_is_centred_where_the_spot_is_aimed(aim_mm: tuple[float, float]) -> None:
    rsp = block((61, 40, 61), (2.0, 2.0, 2.0))
    centre = np.array([1.3, 0.0, -0.7])
    dose = influence(rsp, np.array([[0.0, *aim_mm, 90.0]]), Machine.generic(), centre).toarray().reshape(rsp.shape)
    place = rsp.origin_mm[0] + 2.0 * np.arange(61)
    found = [float((dose.sum(axis=axes) * place).sum() / dose.sum()) for axes in ((1, 2), (0, 1))]
    assert found == pytest.approx([centre[0] + aim_mm[0], centre[2] + aim_mm[1]], abs=0.02)


def test_the_lateral_cut_off_drops_the_tail_and_bites() -> None:
    rsp, spot = block((61, 100, 61), (3.0, 2.0, 3.0)), np.array([[0.0, 0, 0, 130.0]])
    sharp, usual, wide = (influence(rsp, spot, Machine.generic(), np.zeros(3), kept=k) for k in (0.9, 0.995, 0.9999))
    assert sharp.nnz < usual.nnz < wide.nnz
    assert usual.max() == pytest.approx(wide.max(), rel=0.006)
    assert sharp.max() > 1.05 * wide.max()
    assert sharp.sum() == pytest.approx(wide.sum(), rel=0.02)
