"""Radionuclide doses: energy is kept, the answer does not depend on how space is cut, units rescale, limits hold."""

import numba
import numpy as np
import pytest
from scipy.signal import fftconvolve

from gemel.engines.dose import electron, photon
from gemel.engines.dose.convolve import convolved, dose_map
from gemel.engines.dose.electron.commission import BATCHES, shells
from gemel.engines.dose.electron.stopping import radiation_yield
from gemel.engines.dose.kernel import absorbed_fraction, certificate, point_kernel, sphere_S, voxel, voxel_kernel
from gemel.engines.dose.kernel.sphere import inside
from gemel.engines.dose.photon.attenuation import attenuation
from gemel.engines.dose.photon.commission import MEAN_FREE_PATHS, scattered_shares

KEV_J = 1.602176634e-16
FAR_MM = np.array([1e5])


@pytest.mark.parametrize(
    ("nuclide", "voxel_mm", "half", "tissue"),
    [
        ("Lu-177", 2.21, 5, "soft"),
        ("Lu-177", 0.02, 20, "soft"),
        ("Y-90", 2.0, 8, "water"),
        ("I-131", (4.8, 4.8, 2.4), 6, "soft"),
        ("Tb-161", (1.0, 3.0, 10.0), 3, "bone"),
        ("Ac-225", 0.01, 10, "soft"),
        ("F-18", 4.0, 10, "lung"),
        ("Zr-89", 5.0, 0, "soft"),
    ],
)
def test_a_voxel_kernel_holds_the_energy_of_the_decay(nuclide: str, voxel_mm: float | tuple[float, ...], half: int, tissue: str) -> None:
    found = certificate(nuclide, voxel_mm, half, tissue, daughters=True)
    assert found.balance == pytest.approx(1, abs=1e-3)
    assert 0 < found.inside_fraction < 1


@pytest.mark.parametrize("energy_MeV", [0.003, 0.02, 0.3, 2.28])
def test_electrons_leave_their_energy_but_for_bremsstrahlung(energy_MeV: float) -> None:
    left = electron.absorbed_within(FAR_MM, np.array([energy_MeV]), tissue="water")[0, 0]
    assert left == pytest.approx(1 - radiation_yield(energy_MeV), abs=3e-4)


@pytest.mark.parametrize("energy_MeV", [0.0005, 0.012, 0.05, 0.364, 0.511, 2.6])
def test_photons_leave_all_their_energy(energy_MeV: float) -> None:
    assert photon.absorbed_within(FAR_MM, np.array([energy_MeV]))[0, 0] == pytest.approx(1, abs=5e-3)


def test_no_more_energy_is_nearer() -> None:
    radius_mm = np.geomspace(1e-4, 1e4, 300)
    for kernel in (electron.absorbed_within, photon.absorbed_within):
        assert (np.diff(kernel(radius_mm, np.geomspace(0.002, 2.9, 40)), axis=1) >= -1e-9).all()


def test_the_table_is_what_the_monte_carlo_gives() -> None:
    """2,000 electrons of an energy between the nodes: cumulative shares within 4 standard errors of the mean radius, 0.012."""
    fresh = np.cumsum(shells(0.15, "water", 2000, 77).mean(axis=0))
    radius_mm = 10 * electron.csda_range_g_cm2(0.15) * np.arange(1, 121) / 100
    assert np.abs(fresh - electron.absorbed_within(radius_mm, np.array([0.15]), tissue="water")[0]).max() < 0.012


def test_photon_monte_carlo_keeps_energy_and_agrees_with_its_table() -> None:
    shares = scattered_shares(0.208, "water", 40_000, 5).mean(axis=0)
    first = attenuation(np.array(0.208), "water")
    assert shares[-1] == pytest.approx(
        1 - first.compton_absorbed_cm2_g / first.total_cm2_g - first.photo_cm2_g / first.total_cm2_g, abs=0.004
    )
    radius_mm = 10 * np.array(MEAN_FREE_PATHS) / float(first.total_cm2_g)
    left = (first.compton_absorbed_cm2_g + first.photo_cm2_g) / first.total_cm2_g * -np.expm1(-np.array(MEAN_FREE_PATHS))
    assert np.abs(photon.absorbed_within(radius_mm, np.array([0.208]), tissue="water")[0] - left - shares).max() < 0.006


@pytest.mark.skipif(numba.config.NUMBA_NUM_THREADS < 2, reason="one thread only")
def test_the_monte_carlo_does_not_depend_on_threads() -> None:
    many = shells(0.05, "bone", BATCHES * 4, 3)
    numba.set_num_threads(1)
    alone = shells(0.05, "bone", BATCHES * 4, 3)
    numba.set_num_threads(numba.config.NUMBA_NUM_THREADS)
    assert np.array_equal(many, alone)


def test_bone_scatters_electrons_back_more_than_water() -> None:
    """In units of their range electrons stay nearer to the source where the atomic number is high: within half of it, 3 % more energy."""

    def within_half_a_range(tissue: str, density_g_cm3: float) -> float:
        radius_mm = 5 * electron.csda_range_g_cm2(0.2, tissue=tissue) / density_g_cm3
        return float(electron.absorbed_within(np.array([radius_mm]), np.array([0.2]), tissue=tissue)[0, 0])

    assert within_half_a_range("bone", 1.92) > 1.03 * within_half_a_range("water", 1.0)


def test_small_voxels_together_are_the_large_one() -> None:
    """Kernel of 6 mm as the mean over 3³ sources and the sum over 3³ targets of the kernel of 2 mm: the same to 0.2 %."""
    fine, large = voxel_kernel("Y-90", 2.0, 5), voxel_kernel("Y-90", 6.0, 1)
    triangle = np.array([1, 2, 3, 2, 1]) / 9.0
    for offset in ((0, 0, 0), (1, 0, 0), (1, 1, 0), (1, 1, 1)):
        part = fine[tuple(slice(5 + 3 * o - 2, 5 + 3 * o + 3) for o in offset)]
        joined = np.einsum("xyz,x,y,z->", part, triangle, triangle, triangle)
        assert joined == pytest.approx(large[tuple(1 + o for o in offset)], abs=0, rel=0.002)


def test_the_integral_over_voxels_has_converged(monkeypatch: pytest.MonkeyPatch) -> None:
    coarse = voxel_kernel("I-131", (1.5, 2.0, 3.0), 7)
    for name, nodes in {"FACE": 40, "NEAR": 30, "MIDDLE": 14, "FAR": 5}.items():
        monkeypatch.setattr(voxel, name, nodes)
    assert np.abs(coarse / voxel_kernel("I-131", (1.5, 2.0, 3.0), 7) - 1).max() < 0.005


def test_a_kernel_is_even_and_follows_its_axes() -> None:
    kernel = voxel_kernel("Lu-177", (2.0, 3.0, 4.0), 3)
    for axis in range(3):
        assert np.array_equal(kernel, np.flip(kernel, axis))
    turned = voxel_kernel("Lu-177", (4.0, 2.0, 3.0), 3)
    np.testing.assert_allclose(turned, kernel.transpose(2, 0, 1), rtol=1e-9)


def test_twice_the_density_is_half_the_length() -> None:
    """Fano 1954: a sphere of ρ twice as large with half the radius has the same absorbed fraction, so 4 times the S in mass units."""
    light = sphere_S("Lu-177", 0.01, "water")
    assert sphere_S("Lu-177", 0.01 / 4, "water", density_g_cm3=2.0) == pytest.approx(4 * light, abs=0, rel=1e-3)


def test_a_sphere_of_short_range_loses_by_its_surface() -> None:
    """For a range far below the radius a: 1 − φ = (3/4a) ⟨r⟩, ⟨r⟩ the mean distance at which energy is left. Berger 1970."""
    radius_mm = 20.0
    kernel = point_kernel("Lu-177", "water")
    share = np.diff(kernel.electron_keV) / kernel.electron_keV[-1]
    mean_mm = float(share @ (kernel.radius_mm[1:] + kernel.radius_mm[:-1]) / 2)
    lost = 1 - inside(kernel.electron_keV / kernel.electron_keV[-1], radius_mm)
    assert lost == pytest.approx(0.75 * mean_mm / radius_mm, abs=0, rel=0.01)


def test_a_line_of_little_energy_stays_and_of_much_leaves() -> None:
    assert absorbed_fraction("electron", 0.01, 1.0) > 0.999
    assert absorbed_fraction("electron", 4.0, 0.001) < 0.05
    fractions = [absorbed_fraction("photon", 0.364, m) for m in (1.0, 10.0, 100.0, 1000.0)]
    assert fractions == sorted(fractions)


def test_relocated_daughters_take_their_energy_with_them() -> None:
    alone, chain = sphere_S("Ac-225", 1.0), sphere_S("Ac-225", 1.0, daughters=True)
    assert sphere_S("Ac-225", 1.0, daughters=True, relocated=1.0) == pytest.approx(alone, abs=0, rel=1e-12)
    half = sphere_S("Ac-225", 1.0, daughters=True, relocated=0.5)
    assert half == pytest.approx((alone + chain) / 2, abs=0, rel=1e-12)
    bismuth = sphere_S("Ac-225", 1.0, daughters=True, relocated={"Bi-213": 1.0})
    assert alone < bismuth < chain
    assert (chain - bismuth) * 1e-3 / KEV_J == pytest.approx(9010, abs=0, rel=0.02)  # keV of Bi-213, Po-213, Tl-209 and Pb-209


def test_convolution_keeps_energy_and_agrees_with_float64() -> None:
    kernel = voxel_kernel("Lu-177", (4.0, 4.0, 5.0), 7)
    activity = np.zeros((40, 36, 31))
    activity[8:-8, 8:-8, 8:-8] = np.random.default_rng(4).gamma(0.3, 1e6, (24, 20, 15))
    dose = dose_map(activity, kernel)
    exact = fftconvolve(activity, kernel, mode="same")
    assert np.abs(dose - exact).max() < 1e-6 * exact.max()
    assert dose.sum(dtype=np.float64) == pytest.approx(activity.sum() * kernel.sum(), abs=0, rel=1e-6)


def test_a_point_gives_the_kernel_at_the_edge_too() -> None:
    kernel = voxel_kernel("Y-90", 3.0, 4)
    activity = np.zeros((9, 7, 12))
    activity[0, 6, 5] = 2.0
    expected = np.zeros((9 + 8, 7 + 8, 12 + 8))
    expected[0:9, 6:15, 5:14] = 2.0 * kernel
    found = convolved(activity, kernel)
    assert np.abs(found - expected[4:-4, 4:-4, 4:-4]).max() < 1e-6 * kernel.max() * 2


def test_density_shares_the_same_energy() -> None:
    kernel = voxel_kernel("Lu-177", 4.0, 3)
    activity, density = np.zeros((9, 9, 9)), np.full((9, 9, 9), 1.03)
    activity[4, 4, 4], density[:4] = 1e9, 0.26
    plain, scaled = dose_map(activity, kernel), dose_map(activity, kernel, density_g_cm3=density)
    np.testing.assert_allclose((scaled * density).sum(), (plain * 1.03).sum(), rtol=1e-5)
    assert scaled[3, 4, 4] == pytest.approx(plain[3, 4, 4] * 1.03 / 0.26, abs=0, rel=1e-5)


def test_a_large_even_source_gives_the_equilibrium_dose() -> None:
    """Far inside a source wider than any electron's range the electrons' dose is Ã E / m."""
    kernel = voxel_kernel("P-32", 2.0, 6)
    dose = dose_map(np.ones((17, 17, 17)), kernel)
    emitted = point_kernel("P-32").emitted_keV[0] - point_kernel("P-32").radiated_keV
    assert dose[8, 8, 8] == pytest.approx(emitted * KEV_J / (8 * 1.03e-6), abs=0, rel=2e-3)


def test_a_ball_of_one_voxel_volume_is_near_its_voxel() -> None:
    """The self-dose of a cube is a little under that of the sphere of its mass: it has more surface."""
    edge_mm = 4.42
    sphere = sphere_S("Lu-177", 1.03e-3 * edge_mm**3)
    assert 0.97 * sphere < voxel_kernel("Lu-177", edge_mm, 0)[0, 0, 0] < sphere
