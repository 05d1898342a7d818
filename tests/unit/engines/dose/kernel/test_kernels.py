"""Kernels of radionuclides: what is refused, and with which remedy; small pieces on their own."""

import numpy as np
import pytest

from gemel.core.errors import GemelError, InputError, RangeError
from gemel.engines.decay import names
from gemel.engines.dose.kernel import absorbed_fraction, certificate, organ_S, point_kernel, rescaled_S, sphere_S, voxel_kernel
from gemel.engines.dose.kernel.members import weights
from gemel.engines.dose.media import media, medium


@pytest.mark.parametrize("make", [lambda: voxel_kernel("Zz-999", 2.0, 2), lambda: sphere_S("Lu-999", 1.0), lambda: certificate("", 2.0, 2)])
def test_an_unknown_nuclide_is_refused(make) -> None:
    with pytest.raises(InputError):
        make()


@pytest.mark.parametrize("voxel_mm", [0.0, -2.0, float("nan"), (2.0, 2.0), (2.0, 2.0, -1.0), 1e6])
def test_voxels_that_are_none(voxel_mm) -> None:
    with pytest.raises(RangeError, match="voxels of"):
        voxel_kernel("Lu-177", voxel_mm, 2)


@pytest.mark.parametrize("half_width", [2.5, np.nan, -1, -7])
def test_half_widths_that_are_none(half_width) -> None:
    with pytest.raises(RangeError, match="half width"):
        voxel_kernel("Lu-177", 2.0, half_width)


def test_a_kernel_beyond_the_memory_is_refused_with_the_largest() -> None:
    with pytest.raises(RangeError, match="half width of 195 or less"):
        voxel_kernel("Lu-177", 2.0, 2000)


@pytest.mark.parametrize("mass_g", [0.0, -1.0, float("nan"), float("inf")])
def test_masses_that_are_none(mass_g: float) -> None:
    with pytest.raises(RangeError, match="a sphere of"):
        sphere_S("Lu-177", mass_g)


def test_an_unknown_tissue_names_those_known() -> None:
    with pytest.raises(RangeError, match="soft, lung, bone"):
        sphere_S("Lu-177", 1.0, "wood")


@pytest.mark.parametrize("relocated", [-0.1, 1.1, float("nan"), {"Bi-213": 2.0}, {"Lu-177": 0.5}])
def test_relocated_fractions_that_are_none(relocated) -> None:
    with pytest.raises(RangeError):
        sphere_S("Ac-225", 1.0, daughters=True, relocated=relocated)


def test_an_unknown_kind_of_radiation() -> None:
    with pytest.raises(RangeError, match="neutron"):
        absorbed_fraction("neutron", 1.0, 1.0)


@pytest.mark.parametrize("energy_MeV", [-0.1, 5.5, float("nan")])
def test_energies_beyond_the_tables(energy_MeV: float) -> None:
    with pytest.raises(RangeError):
        absorbed_fraction("electron", energy_MeV, 1.0)


def test_an_unknown_organ_names_those_known() -> None:
    with pytest.raises(RangeError, match="kidneys, liver"):
        organ_S("Lu-177", "appendix")


def test_scaling_by_mass() -> None:
    assert rescaled_S(2.0, 3.0, reference_g=8.0, mass_g=1.0) == pytest.approx(16.0 + 12.0)
    with pytest.raises(GemelError, match="masses"):
        rescaled_S(1.0, reference_g=300.0, mass_g=0.0)
    with pytest.raises(GemelError, match="S values"):
        rescaled_S(-1.0, reference_g=300.0, mass_g=300.0)


def test_scaling_by_mass_is_what_the_sphere_does() -> None:
    """Of electrons alone the two agree within 1 % from 310 to 200 g, since nearly all is absorbed."""
    assert organ_S("Y-90", "kidneys", mass_g=200.0) == pytest.approx(
        rescaled_S(organ_S("Y-90", "kidneys"), reference_g=310.0, mass_g=200.0), abs=0, rel=0.01
    )


def test_members_of_a_chain() -> None:
    assert weights("Lu-177", True, 0.0) == {"Lu-177": 1.0}
    assert weights("Ac-225", False, 0.0) == {"Ac-225": 1.0}
    chain = weights("Ac-225", True, {"At-217": 0.25})
    assert chain["Fr-221"] == pytest.approx(1, abs=0, rel=1e-3)
    assert chain["Po-213"] == pytest.approx(0.75 * 0.9791, abs=0, rel=1e-3)
    assert chain["Po-213"] + chain["Tl-209"] == pytest.approx(chain["Pb-209"], abs=0, rel=1e-9)


def test_names_may_be_written_otherwise() -> None:
    assert np.array_equal(voxel_kernel("177Lu", 3.0, 1), voxel_kernel("Lu-177", (3.0, 3.0, 3.0), 1))


def test_a_kernel_of_one_voxel() -> None:
    assert voxel_kernel("Lu-177", 3.0, 0).shape == (1, 1, 1)
    assert voxel_kernel("Lu-177", 3.0, 2)[2, 2, 2] == pytest.approx(voxel_kernel("Lu-177", 3.0, 0)[0, 0, 0], abs=0, rel=1e-12)


def test_the_kernel_is_per_volume_of_its_own_density() -> None:
    lung, soft = point_kernel("Lu-177", "lung"), point_kernel("Lu-177", "soft")
    assert lung.density_g_cm3 < soft.density_g_cm3
    assert np.interp(0.9 * lung.electron_keV[-1], lung.electron_keV, lung.radius_mm) == pytest.approx(
        np.interp(0.9 * soft.electron_keV[-1], soft.electron_keV, soft.radius_mm) * 1.03 / 0.26, abs=0, rel=0.02
    )


@pytest.mark.parametrize("name", names())
def test_every_nuclide_of_the_table_has_a_kernel_that_keeps_its_energy(name: str) -> None:
    kernel = point_kernel(name)
    emitted_keV = sum(kernel.emitted_keV)
    assert (np.diff(kernel.within_keV) >= -1e-9 * emitted_keV).all()
    assert kernel.within_keV[-1] + kernel.radiated_keV == pytest.approx(emitted_keV, abs=0, rel=1e-3)


@pytest.mark.parametrize("name", media())
def test_media_are_whole(name: str) -> None:
    found = medium(name)
    assert sum(weight for _, weight in found.weights) == pytest.approx(1)
    assert 0.5 < found.Z_A_mol_g < 0.56
    assert 65 < found.I_eV < 120


@pytest.mark.parametrize("number", [np.float32, np.int64, np.int32, int, float])
def test_numbers_of_any_kind(number) -> None:
    assert sphere_S("Lu-177", number(4)) == pytest.approx(sphere_S("Lu-177", 4.0), rel=1e-12)
    assert (voxel_kernel("Lu-177", number(4), number(1)) == voxel_kernel("Lu-177", 4.0, 1)).all()
