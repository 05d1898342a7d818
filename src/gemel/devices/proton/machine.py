"""A proton machine: beam data with a name and a source."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gemel.core.errors import InputError
from gemel.core.image import Array
from gemel.devices.proton.generic import generic_beam
from gemel.engines.dose.beam_data import BeamData, Layer, layer
from gemel.engines.dose.bragg import MEV_CM2_G_TO_GY_MM2_PER_1E6

SPECTRUM = ("energy_spectrum_mean", "energy_spectrum_sigma_pct_or_MeV")
NPZ_KEYS = ("energy", "range", "init_sigma_mm", "depths", "Z", "sigma1", "sigma2", "weight", "LET", "n_depths", *SPECTRUM)


@dataclass(frozen=True)
class Machine(BeamData):
    """Beam data in water and where they come from. `sad_mm` is the source's distance; doses are computed with parallel beams."""

    name: str
    source: str
    sad_mm: float

    @classmethod
    def generic(cls) -> "Machine":
        """The machine that gemel generates from published physics, 60 to 250 MeV; no file is needed."""
        beam, name, source = generic_beam()
        return cls(**vars(beam), name=name, source=source, sad_mm=np.inf)

    @classmethod
    def from_npz(cls, path: str | Path) -> "Machine":
        """Base data of a matRad machine as npz: `depths`, `Z` (MeV cm²/g per proton), `sigma1`, `sigma2`, `weight`, `LET` by `energy`.

        Z is converted to Gy mm² per 1e6 protons. Rows shorter than the longest are continued with zero dose. The spread of energy is taken
        for per cent of the mean, as the machines that matRad makes have it.
        Raises InputError for a file that is absent, damaged or lacks an array.
        """
        data = _read(Path(path))
        length = data["n_depths"].astype(np.int64)
        depth_mm = _continued(data["depths"], length, step=1.0)
        beyond = np.arange(depth_mm.shape[1]) >= length[:, None]
        idd = np.where(beyond, 0.0, data["Z"]) * MEV_CM2_G_TO_GY_MM2_PER_1E6
        held = [_continued(data[key], length, step=0.0) for key in ("sigma1", "sigma2", "weight", "LET")]
        mean_MeV, spread_pct = (data[key] for key in SPECTRUM)
        columns = (data["energy"], data["range"], data["init_sigma_mm"], mean_MeV * spread_pct / 100)
        beam = BeamData(*columns, depth_mm, idd, *held)
        return cls(**vars(beam), name=Path(path).stem, source=str(path), sad_mm=float(data["sad_mm"]))

    def layer(self, energy_MeV: float | int) -> Layer:
        """The tables of one energy, as tabulated or interpolated in range. Raises RangeError outside the machine's energies."""
        return layer(self, energy_MeV)


def _read(path: Path) -> dict[str, Array]:
    remedy = f"give a npz with {', '.join(NPZ_KEYS)}, sad_mm"
    try:
        with np.load(path, allow_pickle=False) as file:
            data = {key: np.asarray(file[key], dtype=np.float64) for key in (*NPZ_KEYS, "sad_mm")}
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise InputError(f"no proton machine can be read: {error}", where=str(path), remedy=remedy) from error
    return data


def _continued(table: Array, length: Array, step: float) -> Array:
    """Rows past their length continued from the last value by `step` a column."""
    column = np.arange(table.shape[1])
    last = np.take_along_axis(table, length[:, None] - 1, axis=1)
    return np.asarray(np.where(column < length[:, None], table, last + step * (column - length[:, None] + 1)))
