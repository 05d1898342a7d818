"""What every Monte Carlo dose must obey: energy is kept, chance is honest, the answer does not depend on threads, frame or voxels."""

import dataclasses

import numba
import numpy as np
import pytest

from gemel.core.image import Image
from gemel.devices.proton import Machine
from gemel.engines.dose.beam_data import BeamData
from gemel.engines.dose.monte_carlo import simulate, tally
from gemel.engines.dose.monte_carlo.media import Media, media_of
from gemel.engines.dose.monte_carlo.nuclear import hydrogen_1_mm, oxygen_elastic_1_mm, oxygen_inelastic_1_mm
from gemel.engines.dose.monte_carlo.simulation import MEV_J

SPOTS = np.array([[0.0, 0.0, 0.0, 100.0], [90.0, 5.0, -5.0, 72.3], [37.0, 0.0, 5.0, 80.0]])
WEIGHTS = np.array([1.0, 0.5, 2.0])
ISO = np.zeros(3)


def block(shape: tuple[int, int, int], spacing: tuple[float, float, float], value: float = 1.0) -> Image:
    """A uniform block with its centre at the origin."""
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = [-(n - 1) / 2 * d for n, d in zip(shape, spacing)]
    return Image(np.full(shape, value, dtype=np.float32), affine)


def needle(**changes: np.ndarray) -> BeamData:
    """The generic machine with spots of no width."""
    machine = Machine.generic()
    return dataclasses.replace(machine, spot_sigma_mm=np.zeros_like(machine.spot_sigma_mm), **changes)


def depth_dose(rsp: Image, energy_MeV: float, histories: int, machine: BeamData | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Depth and laterally integrated dose of one spot from gantry 0."""
    spot = np.array([[0.0, 0.0, 0.0, energy_MeV]])
    dose, _ = simulate(rsp, spot, np.array([1.0]), machine or Machine.generic(), ISO, histories, 3)
    return (np.arange(rsp.shape[1]) + 0.5) * rsp.spacing_mm[1], dose.sum(axis=(0, 2), dtype=np.float64)


def r80_mm(depth_mm: np.ndarray, dose: np.ndarray) -> float:
    peak = int(dose.argmax())
    return float(np.interp(-0.8, -dose[peak:] / dose[peak], depth_mm[peak:]))


def test_energy_is_kept_in_tissue_air_and_metal() -> None:
    """Deposited, counted in the dose grid, + escaped + neutral + binding = brought in, to a hundred-thousandth."""
    rng = np.random.default_rng(1)
    rsp = block((20, 20, 20), (3.0, 2.5, 4.0))
    rsp.array[:] = 0.001  # air all around: a body that touches the edge is taken for one that is cut off
    rsp.array[2:-2, 2:-2, 2:-2] = rng.choice([0.001, 0.3, 1.0, 1.7, 3.2], (16, 16, 16))
    found = tally(rsp, SPOTS, WEIGHTS, Machine.generic(), ISO, 6400, 1)
    in_grid_J = float((found.dose_Gy.astype(np.float64) * rsp.array).sum()) * rsp.voxel_mL * 1e-3
    assert in_grid_J == pytest.approx(found.deposited_MeV * MEV_J * 1e6 * WEIGHTS.sum(), rel=1e-4)
    parts = (found.deposited_MeV, found.escaped_MeV, found.neutral_MeV, found.binding_MeV)
    assert min(parts) > 0.005 * found.in_MeV
    assert sum(parts) == pytest.approx(found.in_MeV, rel=1e-5)


def test_protons_that_miss_the_grid_have_escaped() -> None:
    found = tally(
        block((10, 40, 10), (3.0, 3.0, 3.0)), np.array([[0.0, 15.0, 0.0, 100.0]]), np.array([1.0]), Machine.generic(), ISO, 3200, 1
    )
    assert 0.45 < found.escaped_MeV / found.in_MeV < 0.75
    assert found.deposited_MeV + found.escaped_MeV + found.neutral_MeV + found.binding_MeV == pytest.approx(found.in_MeV, rel=1e-5)


@pytest.mark.parametrize("gantry_deg", [0.0, 90.0, 230.0])
def test_a_spot_enters_where_it_is_aimed_with_the_machines_width(gantry_deg: float) -> None:
    """Centre within 0.15 mm and standard deviation within 3 % in a thin sheet of light water, seen along the beam."""
    rsp = block((61, 61, 41), (1.5, 1.5, 1.5), 0.01)
    rsp.array[0, 0, 0] = 1.0  # aside: an image of air alone is refused
    aim, energy = (6.0, -4.5), 120.0
    dose, _ = simulate(rsp, np.array([[gantry_deg, *aim, energy]]), np.array([1.0]), Machine.generic(), ISO, 32000, 1)
    sine, cosine = np.sin(np.deg2rad(gantry_deg)), np.cos(np.deg2rad(gantry_deg))
    x, y, z = np.meshgrid(*[1.5 * (np.arange(n) - (n - 1) / 2) for n in rsp.shape], indexing="ij")
    disc = x**2 + y**2 <= 40**2
    weight = (dose * disc).astype(np.float64)
    across, width = cosine * x + sine * y, float(Machine.generic().layer(energy).spot_sigma_mm)
    for place, centre in ((across, aim[0]), (z, aim[1])):
        mean = float((weight * place).sum() / weight.sum())
        near = weight * (np.abs(place - mean) < 4 * width)
        assert mean == pytest.approx(centre, abs=0.15)
        assert np.sqrt((near * (place - mean) ** 2).sum() / near.sum()) == pytest.approx(np.hypot(width, 1.5 / np.sqrt(12)), rel=0.03)


def test_dose_is_linear_in_the_weights() -> None:
    rsp = block((20, 40, 20), (3.0, 3.0, 3.0))
    once, twice = (simulate(rsp, SPOTS, factor * WEIGHTS, Machine.generic(), ISO, 3200, 1)[0] for factor in (1.0, 2.0))
    assert twice == pytest.approx(2 * once, rel=1e-6)


def test_the_dose_of_a_plan_is_the_sum_of_its_spots_within_the_uncertainty() -> None:
    rsp = block((20, 40, 20), (3.0, 3.0, 3.0))
    whole = simulate(rsp, SPOTS, WEIGHTS, Machine.generic(), ISO, 32000, 1)
    parts = [simulate(rsp, SPOTS[s : s + 1], WEIGHTS[s : s + 1], Machine.generic(), ISO, 16000, 2 + s) for s in range(3)]
    dose, variance = sum(d for d, _ in parts), sum((d * u) ** 2 for d, u in parts) + (whole[0] * whole[1]) ** 2
    hot = whole[0] > 0.2 * whole[0].max()
    assert np.sqrt(np.mean((whole[0] - dose)[hot] ** 2 / variance[hot])) == pytest.approx(1.0, abs=0.15)


@pytest.mark.skipif(numba.config.NUMBA_NUM_THREADS < 2, reason="one thread only (NUMBA_NUM_THREADS)")
def test_threads_do_not_change_a_bit() -> None:
    rsp, found = block((20, 40, 20), (3.0, 3.0, 3.0)), []
    before = numba.get_num_threads()
    for threads in (1, 2):
        numba.set_num_threads(threads)
        found.append(tally(rsp, SPOTS, WEIGHTS, Machine.generic(), ISO, 3200, 1, let=True))
    numba.set_num_threads(before)
    assert np.array_equal(found[0].dose_Gy, found[1].dose_Gy)
    assert np.array_equal(found[0].uncertainty, found[1].uncertainty)
    assert np.array_equal(found[0].let_keV_um, found[1].let_keV_um)
    assert found[0].escaped_MeV == found[1].escaped_MeV


def test_the_same_seed_gives_the_same_answer_and_another_one_within_the_uncertainty() -> None:
    rsp = block((20, 40, 20), (3.0, 3.0, 3.0))
    one, again, other = (simulate(rsp, SPOTS, WEIGHTS, Machine.generic(), ISO, 32000, seed) for seed in (1, 1, 2))
    assert np.array_equal(one[0], again[0])
    hot = one[0] > 0.2 * one[0].max()
    expected = (one[0] * one[1]) ** 2 + (other[0] * other[1]) ** 2
    assert np.sqrt(np.mean((one[0] - other[0])[hot] ** 2 / expected[hot])) == pytest.approx(1.0, abs=0.15)


def test_the_uncertainty_is_the_spread_over_seeds() -> None:
    rsp = block((20, 40, 20), (3.0, 3.0, 3.0))
    runs = [simulate(rsp, SPOTS, WEIGHTS, Machine.generic(), ISO, 16000, seed) for seed in range(10)]
    dose, stated = np.stack([d for d, _ in runs]), np.stack([d * u for d, u in runs])
    hot = dose.mean(axis=0) > 0.2 * dose.mean(axis=0).max()
    spread = np.sqrt(np.mean(dose.std(axis=0, ddof=1)[hot] ** 2))
    assert spread == pytest.approx(np.sqrt(np.mean(stated[:, hot] ** 2)), rel=0.15)


def test_four_times_the_histories_halve_the_uncertainty() -> None:
    rsp = block((20, 40, 20), (3.0, 3.0, 3.0))
    few, many = (simulate(rsp, SPOTS, WEIGHTS, Machine.generic(), ISO, n, 5) for n in (8000, 32000))
    hot = many[0] > 0.2 * many[0].max()
    assert few[1][hot].mean() / many[1][hot].mean() == pytest.approx(2.0, rel=0.05)


def test_shifting_image_and_isocentre_together_changes_nothing() -> None:
    rng = np.random.default_rng(1)
    rsp = Image(rng.uniform(0.2, 1.6, (24, 28, 16)).astype(np.float32), block((24, 28, 16), (3.0, 2.5, 4.0)).affine_mm)
    moved = rsp.affine_mm.copy()
    moved[:3, 3] += [128.0, -64.5, 32.25]
    here, _ = simulate(rsp, SPOTS, WEIGHTS, Machine.generic(), np.array([1.0, 2.0, 3.0]), 640, 1)
    there, _ = simulate(Image(rsp.array, moved), SPOTS, WEIGHTS, Machine.generic(), np.array([129.0, -62.5, 35.25]), 640, 1)
    assert np.array_equal(here, there)


def test_a_quarter_turn_of_the_gantry_is_a_quarter_turn_of_the_dose() -> None:
    rsp = block((36, 36, 12), (3.0, 3.0, 3.0))
    front, side = (simulate(rsp, np.array([[g, 7.0, 2.0, 90.0]]), np.array([1.0]), Machine.generic(), ISO, 32000, 1) for g in (0.0, 90.0))
    dose, error = np.rot90(front[0], 1), np.rot90(front[0] * front[1], 1)
    hot = side[0] > 0.2 * side[0].max()
    expected = error**2 + (side[0] * side[1]) ** 2
    assert np.sqrt(np.mean((dose - side[0])[hot] ** 2 / expected[hot])) < 1.15


@pytest.mark.parametrize("factor", [0.965, 1.035])
def test_scaling_the_stopping_power_scales_the_range(factor: float) -> None:
    long, short = (r80_mm(*depth_dose(block((9, 200, 9), (20.0, 1.0, 20.0), rsp), 130.0, 32000)) for rsp in (1.0, factor))
    assert long / short == pytest.approx(factor, rel=0.001)


def depth_and_variance(slice_mm: float) -> tuple[float, float]:
    """Mean depth of the dose of a needle of 120 MeV, and variance across at 75-90 mm, core alone."""
    rsp = block((41, round(150 / slice_mm), 9), (1.0, slice_mm, 20.0))
    spot = np.array([[0.0, 0.0, 0.0, 120.0]])
    dose, _ = simulate(rsp, spot, np.array([1.0]), needle(), ISO, 160_000, 4)
    depth, across = (np.arange(rsp.shape[1]) + 0.5) * slice_mm, np.arange(-20.0, 21.0)
    along, near = dose.sum(axis=(0, 2), dtype=np.float64), dose[:, (depth > 75) & (depth < 90)].sum(axis=(1, 2), dtype=np.float64)
    core = np.abs(across) <= 6
    return float((along * depth).sum() / along.sum()), float((near * across**2)[core].sum() / near[core].sum())


@pytest.fixture(scope="module")
def slices_of_1_mm() -> tuple[float, float]:
    return depth_and_variance(1.0)


@pytest.mark.parametrize("slice_mm", [3.0, 5.0])
def test_neither_range_nor_width_depends_on_the_voxels(slices_of_1_mm: tuple[float, float], slice_mm: float) -> None:
    """Mean depth of the dose within 0.1 %, variance across near the end within 2 % (three times its chance), of slices of 1 mm."""
    depth_mm, variance_mm2 = depth_and_variance(slice_mm)
    assert depth_mm == pytest.approx(slices_of_1_mm[0], rel=1e-3)
    assert variance_mm2 == pytest.approx(slices_of_1_mm[1], rel=0.02)


def test_collisions_in_a_thin_slab_are_those_of_the_cross_sections() -> None:
    """10 mm of water, 150 MeV: Σ d collisions a proton within 4 % (chance and secondaries 1 % each); a ninth of them are with hydrogen."""
    found = tally(block((9, 5, 9), (20.0, 2.0, 20.0)), np.array([[0.0, 0.0, 0.0, 150.0]]), np.array([1.0]), needle(), ISO, 640_000, 1)
    energy = np.array([147.2])  # at mid-depth
    rate_1_mm = hydrogen_1_mm(energy) + oxygen_elastic_1_mm(energy) + oxygen_inelastic_1_mm(energy)
    assert found.collisions == pytest.approx(10 * float(rate_1_mm[0]), rel=0.04)


def test_secondary_protons_build_the_dose_up_and_make_a_halo(monkeypatch: pytest.MonkeyPatch) -> None:
    """150 MeV: in 30 mm the dose grows 2-8 % more than without nuclear reactions; at 80 mm 1-8 % of it lies beyond 16 mm."""

    def without(image: Image, *_: object) -> Media:
        media = media_of(image, "rsp", None)
        media.relative[..., 2:] = 0.0
        return media

    rsp, spot = block((41, 100, 41), (4.0, 2.0, 4.0)), np.array([[0.0, 0.0, 0.0, 150.0]])
    real, _ = simulate(rsp, spot, np.array([1.0]), needle(), ISO, 48000, 1)
    monkeypatch.setattr("gemel.engines.dose.monte_carlo.simulation.media_of", without)
    bare, _ = simulate(rsp, spot, np.array([1.0]), needle(), ISO, 48000, 1)
    grown = [d[:, 13:17].sum() / d[:, :1].sum() / 4 for d in (real, bare)]
    assert 1.02 < grown[0] / grown[1] < 1.08
    far = np.hypot(*np.meshgrid(*2 * [4.0 * np.arange(-20, 21)], indexing="ij")) > 16
    shares = [float(d[:, 38:43].sum(axis=1)[far].sum() / d[:, 38:43].sum()) for d in (real, bare)]
    assert 0.01 < shares[0] < 0.08
    assert shares[1] < 1e-4


def test_straggling_does_not_depend_on_the_size_of_the_voxels() -> None:
    """Fall-off from 80 to 20 % at 200 MeV in voxels of 2, 0.5 and 0.2 mm, in the last of which no single step loses enough to straggle."""
    widths = []
    for step in (2.0, 0.5, 0.2):
        count = int(280 / step)
        affine = np.diag([400.0, step, 400.0, 1.0])
        affine[1, 3] = step / 2
        _, dose = depth_dose(Image(np.ones((1, count, 1), dtype=np.float32), affine), 200.0, 16_000)
        seen = dose.reshape(140, -1).mean(axis=1)
        peak = int(seen.argmax())
        at = np.interp([-0.8, -0.2], -seen[peak:] / seen[peak], 2.0 * np.arange(peak, 140))
        widths.append(at[1] - at[0])
    assert widths == pytest.approx([widths[0]] * 3, rel=0.05)
    assert widths[0] > 4.0
