"""The Monte Carlo of decays in voxels: the kernel in a uniform tissue, energy, threads; what a scaled kernel misses at an interface."""

import numba
import numpy as np
import pytest

from gemel.core.errors import GeometryError, RangeError
from gemel.engines.dose.convolve import dose_map
from gemel.engines.dose.decay_monte_carlo import Tally, Voxels, simulate
from gemel.engines.dose.kernel import point_kernel, voxel_kernel

SHAPE = (7, 7, 7)
POINT = np.zeros(SHAPE)
POINT[3, 3, 3] = 1.0
MEV_J = 1.602176634e-13


def uniform(tissue: str, density_g_cm3: float, size_mm: tuple[float, float, float]) -> Voxels:
    """One tissue everywhere."""
    return Voxels(size_mm, (tissue,), np.zeros(SHAPE, dtype=int), np.full(SHAPE, density_g_cm3))


def near(found: np.ndarray) -> float:
    """Mean of the six voxels that share a face with the middle."""
    return float(np.mean([found[2, 3, 3], found[4, 3, 3], found[3, 2, 3], found[3, 4, 3], found[3, 3, 2], found[3, 3, 4]]))


@pytest.mark.parametrize(
    ("nuclide", "tissue", "density_g_cm3", "size_mm"),
    [("Lu-177", "soft", 1.03, 2.21), pytest.param("Y-90", "bone", 1.92, 3.0, marks=pytest.mark.full)],
)
def test_it_is_the_kernel_in_a_uniform_tissue(nuclide: str, tissue: str, density_g_cm3: float, size_mm: float) -> None:
    """Self-voxel within 1.5 %, neighbours within 12 % (three standard errors each) of the convolved point kernel, another calculation."""
    found = simulate(POINT, nuclide, uniform(tissue, density_g_cm3, (size_mm,) * 3), 5000, 3)
    kernel = voxel_kernel(nuclide, size_mm, 3, tissue)
    assert found.dose_Gy[3, 3, 3] == pytest.approx(kernel[3, 3, 3], abs=0, rel=0.015)
    assert near(found.dose_Gy) == pytest.approx(near(kernel), abs=0, rel=0.12)
    assert 0 < found.standard_error_Gy[3, 3, 3] < 0.015 * kernel[3, 3, 3]


def test_nearly_all_energy_of_electrons_stays_in_a_large_grid() -> None:
    """P-32 has no photons: what is missing is its bremsstrahlung."""
    found = simulate(POINT, "P-32", uniform("water", 1.0, (8.0, 8.0, 8.0)), 2000, 5)
    kernel = point_kernel("P-32", "water")
    emitted_MeV = (kernel.emitted_keV[0] - kernel.radiated_keV) / 1000
    assert found.dose_Gy.sum(dtype=np.float64) * 512e-6 / MEV_J == pytest.approx(emitted_MeV, abs=0, rel=0.003)


def test_alphas_stay_in_their_voxel_and_daughters_may_be_asked_for() -> None:
    voxels = uniform("soft", 1.03, (3.0, 3.0, 3.0))
    alone, chain = simulate(POINT, "Ac-225", voxels, 320, 1), simulate(POINT, "Ac-225", voxels, 320, 1, relocated=0.0)
    assert chain.dose_Gy[3, 3, 3] / alone.dose_Gy[3, 3, 3] == pytest.approx(28.4 / 5.9, abs=0, rel=0.03)


@pytest.mark.skipif(numba.config.NUMBA_NUM_THREADS < 2, reason="one thread only")
def test_it_does_not_depend_on_threads() -> None:
    def once() -> Tally:
        return simulate(POINT, "I-131", uniform("soft", 1.03, (2.0, 3.0, 4.0)), 320, 9)

    many = once()
    numba.set_num_threads(1)
    alone = once()
    numba.set_num_threads(numba.config.NUMBA_NUM_THREADS)
    assert np.array_equal(many.dose_Gy, alone.dose_Gy)


def test_a_scaled_kernel_is_wrong_beside_lung_and_right_in_uniform_tissue() -> None:
    """Y-90 in soft tissue against lung: the kernel scaled by density beside the Monte Carlo, as means over planes of 3 mm.

    In the soft tissue they agree within 4 %; in the first 3 mm of lung the scaled kernel reads 2.4 times too high, in the next less than
    half: it leaves the energy in voxels of a quarter of the mass, as if the electrons did not fly on.
    """
    shape = (12, 5, 5)
    decays, density, index = np.zeros(shape), np.full(shape, 1.03), np.zeros(shape, dtype=int)
    decays[:7], density[7:], index[7:] = 1e6, 0.26, 1
    found = simulate(decays, "Y-90", Voxels((3.0, 9.0, 9.0), ("soft", "lung"), index, density), 6000, 2)
    truth = found.dose_Gy.mean(axis=(1, 2))
    scaled = dose_map(decays, voxel_kernel("Y-90", (3.0, 9.0, 9.0), 6), density_g_cm3=density).mean(axis=(1, 2))
    assert scaled[:7].mean() == pytest.approx(truth[:7].mean(), abs=0, rel=0.04)
    assert 2.0 < scaled[7] / truth[7] < 2.8
    assert scaled[8] / truth[8] < 0.6


def test_maps_that_do_not_fit() -> None:
    good = uniform("soft", 1.03, (2.0, 2.0, 2.0))
    with pytest.raises(GeometryError, match="three volumes"):
        simulate(POINT[:5], "Lu-177", good, 320, 1)
    with pytest.raises(RangeError, match="decays"):
        simulate(-POINT, "Lu-177", good, 320, 1)
    with pytest.raises(RangeError, match="densities"):
        simulate(POINT, "Lu-177", uniform("soft", 0.0, (2.0, 2.0, 2.0)), 320, 1)
    with pytest.raises(RangeError, match="voxels of"):
        simulate(POINT, "Lu-177", uniform("soft", 1.03, (2.0, 0.0, 2.0)), 320, 1)
    with pytest.raises(RangeError, match="tissues numbered"):
        simulate(POINT, "Lu-177", Voxels((2.0, 2.0, 2.0), ("soft",), np.ones(SHAPE, dtype=int), np.ones(SHAPE)), 320, 1)
    with pytest.raises(RangeError, match="histories"):
        simulate(POINT, "Lu-177", good, 3, 1)
    with pytest.raises(RangeError, match="tissue named"):
        simulate(POINT, "Lu-177", uniform("wood", 1.0, (2.0, 2.0, 2.0)), 320, 1)
