"""Dose in every voxel of a scanned body for a tube's output, by Monte Carlo; and CTDIvol by the same code, to which it is tied."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gemel.core.errors import GeometryError, RangeError
from gemel.core.image import Array
from gemel.devices.ct.attenuation import scattering_cm2_g
from gemel.devices.ct.bowtie import thickness_mm
from gemel.devices.ct.materials import Substance, attenuation_1_cm, energy_transfer_1_cm, material
from gemel.devices.ct.organs.transport import run
from gemel.devices.ct.scanner import Scanner, beam_spectrum
from gemel.devices.ct.spectrum import GY_PER_KEV_CM2_G, Spectrum
from gemel.engines.project import Grid

BATCHES, STEP_KEV, FAN_BINS, LEAST_HISTORIES = 8, 1.0, 64, 1000
MAS = 100.0
SLABS, CHAMBER, HOLE_MM, LENGTH_MM, VOXEL_MM = 6, slice(1, 5), 10.0, 150.0, 10.0
"""The CTDI phantom: 150 mm in six slabs, of which four are the chamber's 100 mm; holes 10 mm deep. IEC 60601-2-44."""


@dataclass(frozen=True)
class Shots:
    """How photons are drawn: first and last z of the source, photons a batch, seed."""

    source_z_mm: tuple[float, float]
    histories: int
    seed: int = 0


@dataclass(frozen=True)
class DoseMap:
    """Dose (mGy) by voxel for 100 mAs at pitch 1, batch by batch: their spread is the statistical error of what is summed from it."""

    batches_mGy: Float[Array, "b x y z"]
    kVp: float


def dose_map(shares: Float[Array, "m x y z"], grid: Grid, *, scanner: Scanner, kVp: float, shots: Shots) -> DoseMap:
    """Dose in a body of water and cortical bone (the first shares of `basis_shares`), scanned along the source's z with constant current.

    Photons start in planes of constant z, evenly along the scan. Transferred energy is taken as absorbed where it arises (electrons of CT
    reach 0.2 mm). Raises GeometryError for an empty scan or shares that are not on the grid, RangeError for fewer than 1,000 histories.
    """
    low_mm, high_mm = shots.source_z_mm
    if shares.shape[1:] != grid.shape or not high_mm > low_mm:
        found = f"shares of {shares.shape[1:]} on {grid.shape}, a scan from {low_mm:g} to {high_mm:g} mm"
        raise GeometryError(found, where="dose_map", remedy="put the shares on the grid and give the scan's first and last z")
    held = (material("water"), material("cortical bone"))
    tables = np.stack([_interactions(s, energy_transfer_1_cm(s, _bins())) for s in held])
    per_cm = _kerma_mGy(shares[:2], grid, tables, scanner=scanner, kVp=kVp, shots=shots)
    density = np.einsum("mxyz,m->xyz", shares[:2], [s.density_g_cm3 for s in held])
    dose = np.divide(per_cm * (high_mm - low_mm) / 10, density, out=np.zeros_like(per_cm), where=density > 1e-4)
    return DoseMap(dose, kVp)


def computed_ctdivol_mGy(scanner: Scanner, kVp: float, *, phantom_cm: int = 32, histories: int = 50_000, seed: int = 0) -> float:
    """CTDIvol for 100 mAs at pitch 1 from the tube's own output: ⅓ centre + ⅔ edge of the air kerma in acrylic. IEC 60601-2-44.

    One turn at z = 0, summed over the 100 mm of the chamber. Raises RangeError for phantoms other than 16 and 32 cm.
    """
    if phantom_cm not in (16, 32):
        raise RangeError(f"a CTDI phantom of {phantom_cm} cm", where="computed_ctdivol_mGy", remedy="use 32 (body) or 16 (head)")
    centre, edge = ctdi_mGy(scanner, kVp, phantom_cm=phantom_cm, histories=histories, seed=seed)
    return centre / 3 + 2 * edge / 3


def ctdi_mGy(scanner: Scanner, kVp: float, *, phantom_cm: int, histories: int, seed: int = 0) -> tuple[float, float]:
    """CTDI₁₀₀ for 100 mAs in the middle and 10 mm below the surface of an acrylic cylinder."""
    n = int(phantom_cm * 10 / VOXEL_MM)
    axis = (np.arange(n) - (n - 1) / 2) * VOXEL_MM
    r = np.hypot(axis[:, None], axis)
    grid = Grid((n, n, SLABS), (VOXEL_MM, VOXEL_MM, LENGTH_MM / SLABS))
    inside = np.repeat((r <= phantom_cm * 5)[None, :, :, None], SLABS, axis=3).astype(np.float32)
    air = material("air")
    tables = _interactions(material("acrylic"), energy_transfer_1_cm(air, _bins()) / air.density_g_cm3)[None]
    kerma = _kerma_mGy(inside, grid, tables, scanner=scanner, kVp=kVp, shots=Shots((0.0, 0.0), histories, seed)).mean(axis=0)
    along = kerma[..., CHAMBER].sum(axis=2) * LENGTH_MM / SLABS / 10
    edge = np.abs(r - (phantom_cm * 5 - HOLE_MM)) <= VOXEL_MM / 2
    return float(along[r < 1.5 * VOXEL_MM].mean()), float(along[edge].mean())


def _kerma_mGy(
    shares: Float[Array, "m x y z"], grid: Grid, tables: Float[Array, "m e k"], *, scanner: Scanner, kVp: float, shots: Shots
) -> Float[Array, "b x y z"]:
    """mGy · g/cm³ in each voxel for 100 mAs a centimetre of scan (one turn of a beam 1 cm wide)."""
    if shots.histories < LEAST_HISTORIES:
        raise RangeError(f"{shots.histories} histories", where="dose_map", remedy=f"use {LEAST_HISTORIES} a batch or more")
    spectrum = beam_spectrum(scanner, kVp)
    stacked = np.ascontiguousarray(np.moveaxis(shares, 0, -1), dtype=np.float32)
    real = tables[..., 0] + tables[..., 1]
    highest = np.array([float((stacked @ real[:, n].astype(np.float32)).max()) for n in range(real.shape[1])]) * 1.0001
    half = np.asarray(grid.shape) * np.asarray(grid.spacing_mm) / 2
    box = np.stack([np.asarray(grid.centre_mm) - half, np.asarray(grid.centre_mm) + half])
    scored = np.zeros((BATCHES, *grid.shape))
    run(shots.histories, stacked, (tables, highest, STEP_KEV), box, _source(scanner, spectrum, shots), np.uint64(shots.seed), scored)
    voxel_cm3 = float(np.prod(grid.spacing_mm)) / 1000
    return scored / shots.histories * _photons_1_cm(scanner, spectrum) * GY_PER_KEV_CM2_G * 1000 / voxel_cm3


def _photons_1_cm(scanner: Scanner, spectrum: Spectrum) -> float:
    """Photons that the tube sends into the fan for 100 mAs and each centimetre of beam at the isocentre, before the bowtie."""
    wide_cm = 2 * _half_fan(scanner) * 100
    return float(spectrum.photons_cm2_mAs.sum() * MAS * wide_cm * 1000 / scanner.gantry.source_isocentre_mm)


def _half_fan(scanner: Scanner) -> float:
    return scanner.gantry.columns * scanner.gantry.column_mm / 2 / scanner.gantry.source_detector_mm


def _source(scanner: Scanner, spectrum: Spectrum, shots: Shots) -> tuple[float, float, float, float, Array, Array]:
    """As `transport.run` takes it; the spectrum's energies are the bins of the tables."""
    photons = np.zeros(len(_bins()))
    photons[np.rint(spectrum.energy_keV / STEP_KEV).astype(np.int64)] = spectrum.photons_cm2_mAs
    gamma = (np.arange(FAN_BINS) + 0.5) * _half_fan(scanner) / FAN_BINS
    metal = attenuation_1_cm(material(scanner.bowtie.material), _bins())
    wedge = np.exp(-thickness_mm(scanner.bowtie, gamma)[:, None] / 10 * metal)
    cumulative = np.cumsum(photons) / photons.sum()
    return scanner.gantry.source_isocentre_mm, _half_fan(scanner), *shots.source_z_mm, cumulative, wedge


def _bins() -> Float[Array, "e"]:
    """Energies of the tables: the nearest keV, from 1 (which stands for 0 too) to 150."""
    return np.maximum(np.arange(151) * STEP_KEV, 1.0)


def _interactions(substance: Substance, transfer_1_cm: Float[Array, "e"]) -> Float[Array, "e k"]:
    """Photoelectric, incoherent and what is scored, 1/mm."""
    coherent, incoherent = (substance.density_g_cm3 * s for s in scattering_cm2_g(substance.weights, _bins()))
    photo = attenuation_1_cm(substance, _bins()) - coherent - incoherent
    return np.stack([photo, incoherent, transfer_1_cm], axis=1) / 10
