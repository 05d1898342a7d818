"""A range shifter takes its thickness from the range, and widens the beam over the air gap behind it."""

import numpy as np
import pytest

from gemel.core.errors import GeometryError, RangeError
from gemel.core.image import Image
from gemel.devices.proton import Machine
from gemel.engines.dose import RangeShifter, ShiftedBeam, forward, influence, influence_with_let, let_of_plan_keV_um, place_spots
from gemel.engines.dose.range_shifter import behind
from gemel.engines.dose.scattering import RADIATION_LENGTH_MM, sigma_water_mm, slab_moments, spread_mm2

MACHINE = Machine.generic()
SPOT = np.array([[0.0, 0.0, 0.0, 120.0]])


def tank(air_mm: float = 18.0) -> Image:
    """Water behind some air, 1.5 mm along the beam, centred across it at the origin, the water's surface at y = 0."""
    affine = np.diag([2.5, 1.5, 2.5, 1.0])
    affine[:3, 3] = [-2.5 * 18, 0.75 - air_mm, -2.5 * 18]
    values = np.ones((37, 96, 37), dtype=np.float32)
    values[:, : round(air_mm / 1.5)] = 0.0
    return Image(values, affine)


def dose(wet_mm: float, to_isocentre_mm: float = 100.0, energy: float = 120.0, **material: float) -> np.ndarray:
    machine = ShiftedBeam(MACHINE, RangeShifter(wet_mm, to_isocentre_mm, **material))
    spot = np.array([[0.0, 0.0, 0.0, energy]])
    return influence(tank(), spot, machine, np.zeros(3), kept=0.9999).toarray().reshape(37, 96, 37)


def r80_mm(values: np.ndarray) -> float:
    along = values.sum(axis=(0, 2))
    peak = int(along.argmax())
    return float(np.interp(-0.8 * along[peak], -along[peak:], 1.5 * np.arange(peak, len(along))))


def sigma_mm(values: np.ndarray, j: int) -> float:
    profile, x = values[:, j].sum(axis=1), 2.5 * (np.arange(37) - 18)
    return float(np.sqrt((profile * x**2).sum() / profile.sum()))


def test_no_thickness_is_no_shifter_to_the_last_bit() -> None:
    plain = influence(tank(), SPOT, MACHINE, np.zeros(3))
    none = influence(tank(), SPOT, ShiftedBeam(MACHINE, RangeShifter(0.0, 100.0)), np.zeros(3))
    assert np.array_equal(plain.data, none.data)
    assert np.array_equal(plain.indices, none.indices)


@pytest.mark.parametrize("wet_mm", [15.0, 30.0, 45.0])
def test_the_range_is_shorter_by_the_thickness(wet_mm: float) -> None:
    assert r80_mm(dose(0.0)) - r80_mm(dose(wet_mm)) == pytest.approx(wet_mm, abs=0.02)


def test_a_slab_of_water_on_the_skin_is_water() -> None:
    row = MACHINE.layer(120.0)
    after = behind(row, RangeShifter(30.0, 100.0, relative_stopping_power=1.0, radiation_length_mm=RADIATION_LENGTH_MM), 0.0)
    for found, table in ((after.sigma1_mm, row.sigma1_mm), (after.idd_Gy_mm2, row.idd_Gy_mm2), (after.let_keV_um, row.let_keV_um)):
        assert found == pytest.approx(np.interp(after.depth_mm + 30.0, row.depth_mm, table), rel=1e-6)


@pytest.mark.parametrize("gap_mm", [50.0, 150.0, 300.0])
def test_the_beam_widens_over_the_gap_by_the_angle_of_the_slab(gap_mm: float) -> None:
    """At the skin σ² grows by A2 + 2 A1 g + A0 g², Gottschalk 2010, Med Phys 37:352; computed here step by step through the slab."""
    wet_mm, rsp, X0 = 40.0, 1.158, 340.7
    moments, thickness = np.zeros(3), wet_mm / rsp
    for u in np.linspace(0, thickness, 4001)[:-1]:
        step = thickness / 4000
        left_MeV = MACHINE.layer(150.0).energy_MeV * (1 - (u * rsp) / MACHINE.layer(150.0).range_mm) ** (1 / 1.77)  # R = α E^1.77
        pv = left_MeV * (left_MeV + 2 * 938.272) / (left_MeV + 938.272)
        power = (14.1 / pv * (1 + np.log10(thickness / X0) / 9)) ** 2 / X0 * step
        away = thickness - u + gap_mm
        moments += power * np.array([1, away, away**2])
    at_skin = behind(MACHINE.layer(150.0), RangeShifter(wet_mm, 400.0), gap_mm).sigma1_mm[0]
    assert at_skin**2 == pytest.approx(moments[2], rel=0.02)


def test_a_wider_gap_makes_a_wider_dose() -> None:
    skin = round(18 / 1.5)
    near, far = (sigma_mm(dose(40.0, gap_mm, 150.0), skin) for gap_mm in (10.0, 200.0))
    added = [behind(MACHINE.layer(150.0), RangeShifter(40.0, 400.0), gap_mm).sigma1_mm[0] for gap_mm in (10.0, 200.0)]
    assert far**2 - near**2 == pytest.approx(added[1] ** 2 - added[0] ** 2, rel=0.03)


def test_a_slab_and_the_water_behind_it_add_up_to_the_width_in_water() -> None:
    whole = slab_moments(150.0, 158.0, 1.0, RADIATION_LENGTH_MM)
    assert np.sqrt(whole.x2_mm2) == pytest.approx(sigma_water_mm(np.array([150.0]), 158.0)[0], rel=1e-9)
    assert spread_mm2(whole, np.array([10.0]))[0] == pytest.approx(whole.x2_mm2 + 20 * whole.x_theta_mm + 100 * whole.theta2)


def test_in_a_thin_slab_the_moments_are_those_of_constant_scattering() -> None:
    """With T constant A0 = T t, A1 = T t²/2, A2 = T t³/3."""
    thin = slab_moments(1.0, 300.0, 1.0, RADIATION_LENGTH_MM)
    assert thin.x_theta_mm == pytest.approx(thin.theta2 / 2, rel=0.005)
    assert thin.x2_mm2 == pytest.approx(thin.theta2 / 3, rel=0.005)


def test_energy_deposited_in_the_patient_does_not_depend_on_the_gap() -> None:
    near, far = (dose(30.0, gap)[:, 20:50].sum(axis=(0, 2)) for gap in (10.0, 60.0))
    assert far == pytest.approx(near, rel=0.004)


def test_let_and_the_dose_without_matrix_go_through_the_same_shifter() -> None:
    machine = ShiftedBeam(MACHINE, RangeShifter(30.0, 100.0))
    values, with_let = influence_with_let(tank(), SPOT, machine, np.zeros(3))
    column = forward.dose(tank(), SPOT, np.ones(1), machine, np.zeros(3))
    assert column.ravel() == pytest.approx(values.toarray().ravel(), rel=1e-4, abs=1e-5 * float(values.max()))
    skin = np.ravel_multi_index((18, 12, 18), (37, 96, 37))
    depth_mm, row = 0.75, MACHINE.layer(120.0)
    expected = np.interp(depth_mm + 30.0, row.depth_mm, row.let_keV_um)
    assert let_of_plan_keV_um(values[[skin]].toarray(), with_let[[skin]].toarray())[0, 0] == pytest.approx(expected, rel=1e-3)


def test_a_shallow_target_is_reached_through_the_shifter_only() -> None:
    rsp = tank()
    target = np.zeros(rsp.shape, dtype=bool)
    target[16:21, 15:18, 16:21] = True
    with pytest.raises(RangeError, match=r"a target at 5 to 8 mm of water.*ranges are 31 to 379 mm: put a range shifter of 31 mm in"):
        place_spots(rsp, target, 0.0, MACHINE, np.zeros(3))
    spots = place_spots(rsp, target, 0.0, ShiftedBeam(MACHINE, RangeShifter(40.0, 100.0)), np.zeros(3))
    ranges = np.array([MACHINE.layer(e).range_mm for e in spots[:, 3]]) - 40.0
    assert (ranges.min(), ranges.max()) == pytest.approx((5.0, 8.0), abs=2.5)


def test_a_shifter_in_the_patient_one_that_stops_the_beam_and_one_without_place_are_refused() -> None:
    with pytest.raises(GeometryError, match="10 mm behind the skin"):
        influence(tank(), SPOT, ShiftedBeam(MACHINE, RangeShifter(30.0, 5.0)), np.array([0.0, 15.0, 0.0]))
    with pytest.raises(RangeError, match=r"120 MeV \(107 mm\) in a range shifter of 120 mm"):
        influence(tank(), SPOT, ShiftedBeam(MACHINE, RangeShifter(120.0, 100.0)), np.zeros(3))
    for bad in ((-1.0, 100.0), (10.0, 0.0), (np.nan, 10.0)):
        with pytest.raises(RangeError, match="range shifter of"):
            RangeShifter(*bad)
