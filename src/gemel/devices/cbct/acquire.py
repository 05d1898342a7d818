"""What the panel reads of an anatomy: a spectrum through water and bone, scatter on top, noise of photons and electronics."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Float32

from gemel.core.errors import GeometryError, UnitError
from gemel.core.image import Array, Image
from gemel.devices.cbct.machine import GENERIC, Machine, beam_of, bowtie_mm, calibration, cone_of, field_radius_mm, half_height_mm, seen
from gemel.devices.cbct.scatter import ratio, scattered
from gemel.devices.ct.basis import basis_shares
from gemel.engines.project import Detected, forward, grid_of, polychromatic

AIR_HU = -1000.0
HU_RANGE = (-1100.0, -500.0)
"""Where the lowest value of a CT lies: air around a body, padding at most 100 below it."""
LEAST_KEV = 100.0
"""A reading below the energy of about one photon counts as this: its logarithm must exist."""


@dataclass(frozen=True)
class Scan:
    """Readings of one turn relative to the open beam, I/I₀; `scatter_to_primary`: what was truly in them behind 20 cm of water and more."""

    signal: Float32[Array, "views v u"]
    machine: Machine
    isocentre_mm: Float[Array, "3"]
    frame: str
    scatter_to_primary: float


def acquire(ct: Image, isocentre_mm: Float[Array, "3"], rng: np.random.Generator, *, machine: Machine = GENERIC) -> Scan:
    """One turn about z through the isocentre around an image in HU; its first and last slices go on beyond it.

    Signal: P = Σ_E n r e^(−Σ μ A) of `polychromatic`, + S of `scattered`, + normal noise of variance var(P)(1 + S/P) + σ². Raises UnitError
    for values that are no HU, GeometryError for an oblique image or one that the panel does not see.
    """
    primary, water_cm = primary_of(ct, isocentre_mm, machine)
    scatter = scattered(primary.mean, water_cm, machine)
    total = primary.mean + scatter
    electronic = machine.detector.electronic_keV * machine.detector.gain
    spread = np.sqrt(primary.variance * (total / primary.mean) + np.float32(electronic**2))
    read = total + spread * rng.standard_normal(total.shape, dtype=np.float32)
    signal = np.maximum(read, np.float32(LEAST_KEV)) / open_signal(machine)
    return Scan(
        signal.astype(np.float32), machine, np.asarray(isocentre_mm, dtype=np.float64), ct.frame, ratio(scatter, primary.mean, water_cm)
    )


def primary_of(ct: Image, isocentre_mm: Float[Array, "3"], machine: Machine) -> tuple[Detected, Float32[Array, "views v u"]]:
    """Mean signal without scatter and noise, and the centimetres of water that it would be taken for."""
    _require_HU(ct)
    whole = lengthened(ct, isocentre_mm, machine)
    if not seen(grid_of(whole, isocentre_mm), machine).any():
        raise GeometryError("no voxel in the field of view", where="cbct.acquire", remedy="pass the isocentre in the image's frame")
    shares = basis_shares(np.maximum(whole.array, np.float32(AIR_HU)))[:2]
    lines = forward(shares, cone_of(machine), grid=grid_of(whole, isocentre_mm))
    filtered = np.broadcast_to(bowtie_mm(machine).astype(np.float32), lines.shape[:-1])
    beam, mu_1_mm = beam_of(machine)
    found = polychromatic(np.concatenate([lines, filtered[..., None]], axis=-1), beam, mu_1_mm=mu_1_mm)
    return found, water_of(found.mean / open_signal(machine), machine)


def open_signal(machine: Machine) -> Float32[Array, "u"]:
    """Mean signal of each column with nothing but the bowtie in the beam."""
    beam, mu_1_mm = beam_of(machine)
    lines = np.zeros((len(bowtie_mm(machine)), 3), dtype=np.float32)
    lines[:, 2] = bowtie_mm(machine)
    return polychromatic(lines, beam, mu_1_mm=mu_1_mm).mean


def water_of(signal: Float32[Array, "views v u"], machine: Machine) -> Float32[Array, "views v u"]:
    """Centimetres of water with this I/I₀: the machine's own calibration, column by column (`calibration`)."""
    p = -np.log(signal)
    coefficients = np.array(calibration(machine), dtype=np.float32).T
    out = np.zeros_like(p)
    for c in coefficients[::-1]:
        out = (out + c) * p
    return out


def lengthened(ct: Image, isocentre_mm: Float[Array, "3"], machine: Machine) -> Image:
    """The image with its end slices repeated as far as the panel sees: a body does not end where its scan does.

    Raises GeometryError when the isocentre's slice is not in the image.
    """
    step_mm, nz = float(ct.spacing_mm[2]), ct.shape[2]
    place = (float(isocentre_mm[2]) - float(ct.origin_mm[2])) / step_mm
    if not -0.5 <= place <= nz - 0.5:
        found = f"an isocentre {abs(place - np.clip(place, 0, nz - 1)) * step_mm:.0f} mm beyond the image along z"
        raise GeometryError(found, where="acquire", remedy="pass the isocentre in the image's frame")
    reach_mm = half_height_mm(machine) * (1 + field_radius_mm(machine) / machine.source_isocentre_mm)
    below, above = (max(int(np.ceil(reach_mm / step_mm - room)), 0) for room in (place, nz - 1 - place))
    affine = ct.affine_mm.copy()
    affine[:3, 3] -= below * affine[:3, 2]
    return replace(ct, array=np.pad(ct.array, ((0, 0), (0, 0), (below, above)), mode="edge"), affine_mm=affine)


def _require_HU(ct: Image) -> None:
    least = float(ct.array.min())
    if not HU_RANGE[0] <= least <= HU_RANGE[1]:
        found = f"an image whose lowest value is {least:g}, not that of air"
        raise UnitError(found, where="cbct.acquire", remedy="rescale to HU (air is -1000), keep air around the body and set padding to it")
