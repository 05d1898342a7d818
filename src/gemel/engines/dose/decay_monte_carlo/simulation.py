"""Dose of decays in voxels of several tissues, by Monte Carlo."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Shaped

from gemel.core.errors import GeometryError, RangeError
from gemel.core.image import Array
from gemel.engines.decay import emissions
from gemel.engines.dose.decay_monte_carlo.transport import run
from gemel.engines.dose.electron.cross_sections import collisions
from gemel.engines.dose.electron.stopping import csda_range_g_cm2
from gemel.engines.dose.kernel.members import weights
from gemel.engines.dose.kernel.point import electron_groups
from gemel.engines.dose.photon.attenuation import attenuation

WHERE = "decay_monte_carlo"
BATCHES = 16
THRESHOLD_MEV, ABSORBED_MEV, CUT_MEV = 0.01, 0.02, 0.001
"""Collisions that lose less are continuous; electrons (9 µm of water) and photons below stay where they are."""
LEAST_MEV = 2.2e-2
NODES = 1000
MEV_J = 1.602176634e-13  # CODATA 2018, exact


Relocated = float | Mapping[str, float]


@dataclass(frozen=True)
class Tally:
    """Mean dose (Gy) and its standard error, from the spread of 16 batches; alphas and recoils are left in their voxel."""

    dose_Gy: Float32[Array, "x y z"]
    standard_error_Gy: Float32[Array, "x y z"]
    histories: int


@dataclass(frozen=True)
class Voxels:
    """A grid of voxels: size along x, y, z, names of the tissues (see `media`), and by voxel which of them it is and its density."""

    size_mm: tuple[float, float, float]
    tissues: tuple[str, ...]
    index: Shaped[Array, "..."]
    density_g_cm3: Shaped[Array, "..."]


def simulate(
    decays_Bq_s: Shaped[Array, "..."], nuclide: str, voxels: Voxels, histories: int, seed: int, *, relocated: Relocated | None = None
) -> Tally:
    """Dose of a map of decays in voxels of any tissue and density.

    A history is one electron and one photon, sampled by energy; the answer is the same for a seed whatever the number of threads. With
    `relocated` (0: none of them) the daughters in equilibrium decay in place too. Electrons by single collisions as in
    `electron.transport`, across every face; photons by Compton, photoelectric and pair, their electrons absorbed where they start;
    bremsstrahlung leaves; beyond the grid is nothing. Raises GeometryError and RangeError for maps that do not fit or are not physical.
    """
    decays, index, density = _checked(decays_Bq_s, voxels)
    if histories < BATCHES or not 0 <= seed < 2**63:
        remedy = f"at least {BATCHES} histories (one a batch), seed from 0 to 2^63 - 1"
        raise RangeError(f"{histories} histories with seed {seed}", where=WHERE, remedy=remedy)
    electrons, photons, local_MeV = _radiation(nuclide, relocated)
    electron_tables = _electron_tables(voxels.tissues, float(electrons[:, 0].max(initial=LEAST_MEV)))
    photon_tables = _photon_tables(voxels.tissues, float(photons[:, 0].max(initial=0.1)))
    grid = (np.array(decays.shape), np.array(voxels.size_mm, dtype=np.float64), index, density)
    count, deposited = -(-histories // BATCHES), np.zeros((BATCHES, *decays.shape))
    source = (np.cumsum(decays.ravel()) / decays.sum(), electrons, photons)
    run(count, source, grid, electron_tables, photon_tables, np.uint64(seed), deposited)
    to_Gy, scale = MEV_J / (density * float(np.prod(voxels.size_mm)) * 1e-6), decays.sum() / count
    mean = deposited.mean(axis=0) * scale + local_MeV * decays
    error = deposited.std(axis=0, ddof=1) * scale / np.sqrt(BATCHES)
    return Tally((mean * to_Gy).astype(np.float32), (error * to_Gy).astype(np.float32), count * BATCHES)


def _radiation(nuclide: str, relocated: Relocated | None) -> tuple[Float[Array, "e 2"], Float[Array, "p 2"], float]:
    """Electrons and photons as rows of energy and cumulative energy per decay (MeV), and what never leaves the voxel."""
    members = [(emissions(name), share) for name, share in weights(nuclide, relocated is not None, relocated or 0.0).items()]
    groups = [(electron_groups(found), share) for found, share in members]
    electrons = np.concatenate([np.stack([keV, energy * share], axis=1) for (keV, energy), share in groups]) / 1000
    photons = np.concatenate([np.stack([m.photon_keV, m.photon_keV * m.photon_per_decay * share], axis=1) for m, share in members]) / 1000
    slow = electrons[:, 0] <= LEAST_MEV
    local = electrons[slow, 1].sum() + sum(share * (m.alpha_mean_keV + m.recoil_mean_keV) for m, share in members) / 1000
    return _cumulative(electrons[~slow]), _cumulative(photons[photons[:, 0] > CUT_MEV]), float(local)


def _cumulative(rows: Float[Array, "n 2"]) -> Float[Array, "n 2"]:
    return np.stack([rows[:, 0], np.cumsum(rows[:, 1])], axis=1)


def _electron_tables(names: Sequence[str], highest_MeV: float) -> tuple[Array, Array, Array]:
    found = [collisions(highest_MeV, name, threshold_MeV=THRESHOLD_MEV, absorbed_MeV=ABSORBED_MEV) for name in names]
    most = max(table.elements.shape[1] for table in found)
    energy = np.exp(found[0].start + found[0].step * np.arange(len(found[0].rows)))
    rows = np.stack([np.c_[table.rows, csda_range_g_cm2(energy, tissue=name)] for table, name in zip(found, names)])
    elements = np.stack([np.pad(table.elements, ((0, 0), (0, most - table.elements.shape[1]), (0, 0)), mode="edge") for table in found])
    return rows, elements, np.array([found[0].start, found[0].step, THRESHOLD_MEV, ABSORBED_MEV])


def _photon_tables(names: Sequence[str], highest_MeV: float) -> tuple[Array, Array]:
    energy = np.geomspace(0.9 * CUT_MEV, 1.001 * highest_MeV, NODES)
    found = [attenuation(energy, name) for name in names]
    rows = np.stack([np.stack([mu.photo_cm2_g, mu.compton_cm2_g, mu.pair_cm2_g], axis=1) for mu in found])
    return rows, np.array([np.log(energy[0]), np.log(energy[1] / energy[0]), CUT_MEV])


def _checked(decays_Bq_s: Array, voxels: Voxels) -> tuple[Array, Array, Array]:
    """Decays, tissue index and density as the transport takes them."""
    decays, density = np.asarray(decays_Bq_s, dtype=np.float64), np.asarray(voxels.density_g_cm3, dtype=np.float64)
    index = np.asarray(voxels.index, dtype=np.int64)
    if decays.ndim != 3 or index.shape != decays.shape or density.shape != decays.shape:
        found = f"decays of shape {decays.shape}, tissues {index.shape}, densities {density.shape}"
        raise GeometryError(found, where=WHERE, remedy="give three volumes on one grid")
    if not (np.isfinite(decays).all() and decays.min() >= 0 and decays.any()):
        raise RangeError("decays that are negative, not finite or all 0", where=WHERE, remedy="give Bq s, 0 or more, somewhere above 0")
    if not (np.isfinite(density).all() and density.min() > 0):
        raise RangeError("densities that are not above 0", where=WHERE, remedy="give g/cm³; 0.0012 for air")
    if index.min() < 0 or index.max() >= len(voxels.tissues):
        found = f"tissues numbered {index.min()} to {index.max()} of {len(voxels.tissues)}"
        raise RangeError(found, where=WHERE, remedy="number them from 0 in the order of their names")
    if not (np.isfinite(voxels.size_mm).all() and min(voxels.size_mm) > 0):
        raise RangeError(f"voxels of {voxels.size_mm} mm", where=WHERE, remedy="give sizes above 0")
    return decays, index, density
