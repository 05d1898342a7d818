"""What a proton pencil-beam engine needs to know of a beam: tables in water, one row an energy."""

from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Float

from gemel.core.errors import RangeError
from gemel.core.image import Array

TOLERANCE_MEV = 1e-3


@dataclass(frozen=True)
class Layer:
    """One energy: integral depth dose Z(z) per 1e6 protons, double-Gaussian widths σ1, σ2 added by water, weight of σ2, LET.

    `energy_sigma_MeV` is the standard deviation of the energy.
    """

    energy_MeV: float
    range_mm: float
    spot_sigma_mm: float
    energy_sigma_MeV: float
    depth_mm: Float[Array, "d"]
    idd_Gy_mm2: Float[Array, "d"]
    sigma1_mm: Float[Array, "d"]
    sigma2_mm: Float[Array, "d"]
    weight2: Float[Array, "d"]
    let_keV_um: Float[Array, "d"]


@dataclass(frozen=True)
class BeamData:
    """Tables over (energy, depth in water). `range_mm` is R80; depths ascend in each row; energies ascend.

    `energy_sigma_MeV` is the standard deviation of the beam's energy, which a depth dose holds already and a Monte Carlo needs.
    """

    energy_MeV: Float[Array, "e"]
    range_mm: Float[Array, "e"]
    spot_sigma_mm: Float[Array, "e"]
    energy_sigma_MeV: Float[Array, "e"]
    depth_mm: Float[Array, "e d"]
    idd_Gy_mm2: Float[Array, "e d"]
    sigma1_mm: Float[Array, "e d"]
    sigma2_mm: Float[Array, "e d"]
    weight2: Float[Array, "e d"]
    let_keV_um: Float[Array, "e d"]

    def __post_init__(self) -> None:
        tables = (self.depth_mm, self.idd_Gy_mm2, self.sigma1_mm, self.sigma2_mm, self.weight2, self.let_keV_um)
        columns = (self.energy_MeV, self.range_mm, self.spot_sigma_mm, self.energy_sigma_MeV)
        if any(not np.isfinite(table).all() for table in (*columns, *tables)):
            raise RangeError("beam tables with values that are not finite", where="BeamData", remedy="pad short rows with zero dose")
        if (np.diff(self.energy_MeV) <= 0).any() or (np.diff(self.depth_mm, axis=1) <= 0).any() or (np.diff(self.range_mm) <= 0).any():
            raise RangeError("energies, ranges or depths that do not ascend", where="BeamData", remedy="sort the beam tables")
        if (self.energy_sigma_MeV < 0).any():
            raise RangeError("a negative spread of energy", where="BeamData", remedy="give its standard deviation in MeV, 0 for none")


def layer(beam: BeamData, energy_MeV: float | int) -> Layer:
    """The tables of one energy: as tabulated (within 1 keV), else neighbours stretched to the same range and mixed.

    Raises RangeError outside the tabulated energies.
    """
    energies = beam.energy_MeV
    if not energies[0] - TOLERANCE_MEV <= energy_MeV <= energies[-1] + TOLERANCE_MEV:
        valid = f"{energies[0]:.2f} to {energies[-1]:.2f} MeV"
        raise RangeError(f"an energy of {energy_MeV:g} MeV", where="beam data", remedy=f"this machine has {valid}")
    nearest = int(np.argmin(np.abs(energies - energy_MeV)))
    if abs(energies[nearest] - energy_MeV) <= TOLERANCE_MEV:
        return _row(beam, nearest)
    high = int(np.searchsorted(energies, energy_MeV))
    return _between(_row(beam, high - 1), _row(beam, high), float(energy_MeV))


def _row(beam: BeamData, e: int) -> Layer:
    tables = (beam.depth_mm, beam.idd_Gy_mm2, beam.sigma1_mm, beam.sigma2_mm, beam.weight2, beam.let_keV_um)
    energy_MeV, range_mm = float(beam.energy_MeV[e]), float(beam.range_mm[e])
    sigmas = (float(beam.spot_sigma_mm[e]), float(beam.energy_sigma_MeV[e]))
    return Layer(energy_MeV, range_mm, *sigmas, *(table[e] for table in tables))


def _between(low: Layer, high: Layer, energy_MeV: float) -> Layer:
    """Both rows on the depths of `high` stretched to the new range, mixed by share of ln E; the energy deposited goes with E."""
    share = np.log(energy_MeV / low.energy_MeV) / np.log(high.energy_MeV / low.energy_MeV)
    range_mm = float(np.exp((1 - share) * np.log(low.range_mm) + share * np.log(high.range_mm)))
    relative = high.depth_mm / high.range_mm

    def mix(of_low: Array, of_high: Array) -> Array:
        return np.asarray((1 - share) * np.interp(relative, low.depth_mm / low.range_mm, of_low) + share * of_high)

    def per_energy(row: Layer) -> Array:
        return row.idd_Gy_mm2 * (energy_MeV / row.energy_MeV) * (row.range_mm / range_mm)

    return Layer(
        energy_MeV,
        range_mm,
        float((1 - share) * low.spot_sigma_mm + share * high.spot_sigma_mm),
        float((1 - share) * low.energy_sigma_MeV + share * high.energy_sigma_MeV),
        relative * range_mm,
        mix(per_energy(low), per_energy(high)),
        mix(low.sigma1_mm, high.sigma1_mm),
        mix(low.sigma2_mm, high.sigma2_mm),
        mix(low.weight2, high.weight2),
        mix(low.let_keV_um, high.let_keV_um),
    )


def thinned(data: BeamData, step_mm: float) -> BeamData:
    """The same data with fewer energies: from the longest range down, each at least `step_mm` shorter in range than the last."""
    kept, last_mm = [], np.inf
    for row in np.argsort(data.range_mm)[::-1]:
        if last_mm - data.range_mm[row] >= step_mm:
            kept.append(int(row))
            last_mm = float(data.range_mm[row])
    rows = np.array(sorted(kept))
    return BeamData(**{field.name: getattr(data, field.name)[rows] for field in fields(BeamData)})
