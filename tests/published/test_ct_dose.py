"""Dose inside the body by Monte Carlo against published dose indices and size factors."""

from dataclasses import replace

import numpy as np
import pytest

from gemel.core.errors import GeometryError, RangeError, StructureError
from gemel.core.image import Array
from gemel.devices.ct import Scanner, generic, size_factor, tungsten
from gemel.devices.ct.attenuation import energy_transfer_cm2_g
from gemel.devices.ct.bowtie import NONE
from gemel.devices.ct.materials import material
from gemel.devices.ct.organs import Shots, computed_ctdivol_mGy, ctdi_mGy, dose_map, organ_doses
from gemel.devices.ct.spectrum import GY_PER_KEV_CM2_G
from gemel.engines.project import Grid


@pytest.fixture(scope="module")
def scanner() -> Scanner:
    return generic()


def cylinder(diameter_cm: float) -> tuple[Array, Grid, Array]:
    """Water, 60 cm long; the grid; and the pixels inside."""
    axis = (np.arange(48) - 23.5) * 9.0
    inside = np.hypot(axis[:, None], axis) <= diameter_cm * 5
    shares = np.zeros((2, 48, 48, 40), dtype=np.float32)
    shares[0] = inside[..., None]
    return shares, Grid((48, 48, 40), (9.0, 9.0, 15.0)), inside


def test_without_a_body_the_kerma_is_that_of_the_beam(scanner: Scanner) -> None:
    """Thin water at the isocentre: Σ Φ E μ_tr/ρ (100/57)² for 100 mAs, whatever the scan's length."""
    open_beam = replace(scanner, bowtie=NONE)
    beam = tungsten(120.0, filters_mm=scanner.tube.filters_mm)
    transfer = energy_transfer_cm2_g(material("water").weights, beam.energy_keV)
    kerma_mGy = float((beam.photons_cm2_mAs * beam.energy_keV * transfer).sum()) * GY_PER_KEV_CM2_G * 1e5 * (1000 / 570) ** 2
    shares = np.zeros((2, 15, 15, 20), dtype=np.float32)
    shares[0] = 0.02
    for reach_mm in (60.0, 150.0):
        found = dose_map(
            shares, Grid((15, 15, 20), (10.0, 10.0, 10.0)), scanner=open_beam, kVp=120.0, shots=Shots((-reach_mm, reach_mm), 100_000)
        )
        middle = found.batches_mGy[:, 4:11, 4:11, 6:14].mean(axis=(1, 2, 3))
        assert middle.mean() == pytest.approx(kerma_mGy, rel=0.05)


def test_dose_index_of_the_phantoms(scanner: Scanner) -> None:
    """CTDI₁₀₀ in 32 cm: the middle has half of the edge's; CTDIvol in 16 cm is twice that (f₃₂/f₁₆ = 2.04 at 16 cm)."""
    body, head = (ctdi_mGy(scanner, 120.0, phantom_cm=p, histories=40_000) for p in (32, 16))
    assert body[0] / body[1] == pytest.approx(0.5, abs=0.05)
    assert head[0] / head[1] > 1.5 * body[0] / body[1]
    index = [middle / 3 + 2 * edge / 3 for middle, edge in (body, head)]
    assert index[1] / index[0] == pytest.approx(2.04, rel=0.08)
    assert 6.0 < index[0] < 12.0  # mGy per 100 mAs, what scanners give at 120 kVp


def test_dose_index_rises_with_voltage(scanner: Scanner) -> None:
    """Exponent 2 to 3 between 80 and 140 kVp (2.5 is taken by `Output`)."""
    low, high = (computed_ctdivol_mGy(scanner, kVp, histories=20_000) for kVp in (80.0, 140.0))
    assert 2.0 < np.log(high / low) / np.log(140 / 80) < 3.0


@pytest.mark.parametrize("diameter_cm", [15, 20, 30, 40])
def test_size_factors_come_out_of_the_physics(diameter_cm: int, scanner: Scanner) -> None:
    """Mean dose in the middle slices of 30 cm scanned over CTDIvol is f₃₂(D) of AAPM Report 204 within 12 %."""
    shares, grid, inside = cylinder(diameter_cm)
    found = dose_map(shares, grid, scanner=scanner, kVp=120.0, shots=Shots((-150.0, 150.0), 8_000))
    mean = found.batches_mGy[:, :, :, 17:23].mean(axis=(0, 3))[inside].mean()
    assert mean / computed_ctdivol_mGy(scanner, 120.0, histories=40_000) == pytest.approx(size_factor(float(diameter_cm)), rel=0.12)


def test_organs_get_what_they_lie_in(scanner: Scanner) -> None:
    """More in the scan than beside it, more in bone than in water at its place; the error shrinks with histories; scaled by CTDIvol."""
    shares, grid, inside = cylinder(30)
    bone = np.zeros(grid.shape, dtype=bool)
    bone[22:26, 30:34, 18:22] = True
    shares[1][bone], shares[0][bone] = 1.0, 0.0
    organs = {
        "bone": bone,
        "opposite": bone[:, ::-1],
        "middle": np.repeat(inside[..., None], 40, axis=2) & (np.abs(np.arange(40) - 19.5) < 5),
        "outside": np.repeat(inside[..., None], 40, axis=2) & (np.arange(40) < 5),
    }
    few, many = (dose_map(shares, grid, scanner=scanner, kVp=120.0, shots=Shots((-75.0, 75.0), n)) for n in (4_000, 32_000))
    by = {o.name: o for o in organ_doses(many, organs, ctdivol_mGy=10.0, computed_mGy=8.0)}
    assert by["bone"].mGy > 2 * by["opposite"].mGy
    assert by["middle"].mGy > 5 * by["outside"].mGy
    rough = {o.name: o for o in organ_doses(few, organs, ctdivol_mGy=5.0, computed_mGy=8.0)}
    assert rough["middle"].mGy * 2 == pytest.approx(by["middle"].mGy, abs=4 * (2 * rough["middle"].sd_mGy + by["middle"].sd_mGy))
    assert by["middle"].sd_mGy < rough["middle"].sd_mGy * 2


def test_what_cannot_be_scanned_is_refused(scanner: Scanner) -> None:
    shares, grid, inside = cylinder(20)
    with pytest.raises(GeometryError, match="first and last z"):
        dose_map(shares, grid, scanner=scanner, kVp=120.0, shots=Shots((50.0, -50.0), 2_000))
    with pytest.raises(RangeError, match="histories"):
        dose_map(shares, grid, scanner=scanner, kVp=120.0, shots=Shots((-50.0, 50.0), 10))
    with pytest.raises(RangeError, match="16"):
        computed_ctdivol_mGy(scanner, 120.0, phantom_cm=20)
    found = dose_map(shares, grid, scanner=scanner, kVp=120.0, shots=Shots((-50.0, 50.0), 2_000))
    with pytest.raises(StructureError, match="liver"):
        organ_doses(found, {"liver": np.zeros(grid.shape, dtype=bool)}, ctdivol_mGy=5.0, computed_mGy=8.0)
    with pytest.raises(RangeError, match="above 0"):
        organ_doses(found, {}, ctdivol_mGy=0.0, computed_mGy=8.0)
    assert inside.any()
