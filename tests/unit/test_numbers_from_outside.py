"""Names used from outside meet what is no number with one clear line: never with an error of Python or NumPy."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import jaxtyping
import numpy as np
import pytest

from gemel.core.errors import GemelError, InputError
from gemel.core.number import number, numbers
from gemel.engines.decay import bateman, decays, mixture
from gemel.engines.dose.kernel import absorbed_fraction, certificate, organ_S, point_kernel, rescaled_S, sphere_S, voxel_kernel
from gemel.systems.theranostics import pbpk
from gemel.systems.theranostics import radiobiology as effect
from gemel.systems.theranostics.options import choices
from gemel.systems.theranostics.plausible import require_camera

NO_NUMBERS = [
    None,
    "1",
    "",
    b"1",
    True,
    1j,
    {},
    object(),
    [None],
    [[1, 2], [3]],
    10**400,
    np.ma.masked,
    np.array(["1"]),
    np.datetime64("now"),
]
ONE = np.array([1.0])
CALLS: dict[str, Callable[[Any], Any]] = {
    "bateman activity": lambda x: bateman("Lu-177", x, 1.0),
    "bateman time": lambda x: bateman("Lu-177", 1.0, x),
    "bateman nuclide": lambda x: bateman(x, 1.0, 1.0),
    "decays activity": lambda x: decays("Lu-177", x, 1.0),
    "mixture": lambda x: mixture(x, 1.0),
    "mixture activity": lambda x: mixture({"Lu-177": x}, 1.0),
    "sphere mass": lambda x: sphere_S("Lu-177", x),
    "sphere tissue": lambda x: sphere_S("Lu-177", 1.0, x),
    "sphere density": lambda x: sphere_S("Lu-177", 1.0, density_g_cm3=x),
    "relocated": lambda x: sphere_S("Ac-225", 1.0, daughters=True, relocated={"Fr-221": x}),
    "voxel edge": lambda x: voxel_kernel("Lu-177", x, 1),
    "half width": lambda x: voxel_kernel("Lu-177", 2.0, x),
    "voxel tissue": lambda x: voxel_kernel("Lu-177", 2.0, 1, x),
    "certificate": lambda x: certificate("Lu-177", 2.0, x),
    "point density": lambda x: point_kernel("Lu-177", density_g_cm3=x),
    "organ": lambda x: organ_S("Lu-177", x, mass_g=10.0),
    "organ mass": lambda x: organ_S("Lu-177", "kidneys", mass_g=x),
    "rescaled": lambda x: rescaled_S(1.0, reference_g=300.0, mass_g=x),
    "absorbed fraction": lambda x: absorbed_fraction("electron", 0.1, x),
    "bed dose": lambda x: effect.bed_Gy(x, 50.0, 2.8, 2.5),
    "bed half-life": lambda x: effect.bed_Gy(5.0, x, 2.8, 2.5),
    "eqd2 alpha/beta": lambda x: effect.eqd2_Gy(5.0, 50.0, 2.8, x),
    "G repair": lambda x: effect.protraction_factor([1.0], [50.0], x),
    "cycle amplitudes": lambda x: effect.Cycle(x, ONE),
    "cycle half-lives": lambda x: effect.Cycle(ONE, x),
    "cycle start": lambda x: effect.Cycle(ONE, ONE, x),
    "cycles": lambda x: effect.bed_of_cycles_Gy(x, 2.8, 2.5),
    "EUBED alpha": lambda x: effect.equivalent_uniform_bed_Gy([1.0, 2.0], x),
    "oxygen ratio": lambda x: effect.oxygen_modification_1(1.0, m_1=x),
    "TIAC step": lambda x: pbpk.tiac_h(pbpk.default_parameters(), 10.0, 100.0, every_min=x),
    "calibration": lambda x: require_camera(x, 5.0, 8.0, False),
    "calibration sd": lambda x: require_camera(5.67, x, 8.0, False),
    "resolution": lambda x: require_camera(5.67, 5.0, x, False),
    "cold ligand": lambda x: choices("Lu-177", (), x),
    "PBPK parameters": lambda x: pbpk.solve(x, 10.0, 100.0, 60.0),
}


@pytest.fixture
def unchecked() -> Iterator[None]:
    """As outside the tests: signatures are not checked at run time."""
    before = jaxtyping.config.jaxtyping_disable
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", before)


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.usefixtures("unchecked")
def test_what_is_no_number_is_refused_in_one_line(name: str) -> None:
    for value in NO_NUMBERS:
        with pytest.raises(GemelError) as refused:
            CALLS[name](value)
        assert "\n" not in str(refused.value)
        assert refused.value.where


@pytest.mark.usefixtures("unchecked")
def test_daughters_are_there_or_not() -> None:
    with pytest.raises(InputError, match=r"daughters = 'no' .*True or False"):
        sphere_S("Ac-225", 1.0, daughters="no")  # type: ignore[arg-type]


def test_an_organ_that_is_not_known_is_refused_with_a_mass_too() -> None:
    with pytest.raises(InputError, match="appendix"):
        organ_S("Lu-177", "appendix", mass_g=10.0)


@pytest.mark.parametrize("value", [3, np.int32(3), np.float32(3), np.array(3), [3], Fraction(3), 3.0])
def test_a_number_may_be_written_in_many_ways(value: Any) -> None:
    assert number(value, "x") == 3.0


def test_several_numbers_are_not_one() -> None:
    assert numbers([[1, 2], [3, 4]], "x").shape == (2, 2)
    with pytest.raises(InputError, match=r"x = .*2 numbers"):
        number([1, 2], "x")


@pytest.mark.usefixtures("unchecked")
def test_a_cycle_of_lists_is_that_of_arrays() -> None:
    lists, arrays = effect.Cycle([2, -2], [50, 2]), effect.Cycle(np.array([2.0, -2.0]), np.array([50.0, 2.0]))  # type: ignore[arg-type]
    assert effect.bed_of_cycles_Gy([lists], 2.8, 2.5) == effect.bed_of_cycles_Gy([arrays], 2.8, 2.5)
