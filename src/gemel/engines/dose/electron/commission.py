"""Electron point kernels by Monte Carlo, once: `python -m gemel.engines.dose.electron.commission` writes point_kernels.json.

It takes some ten minutes of one core. The kernels are the same, bit for bit, whatever the number of threads.
"""

import json
import sys
from pathlib import Path

import numpy as np
from jaxtyping import Float

from gemel.core.image import Array
from gemel.engines.dose.electron.cross_sections import collisions
from gemel.engines.dose.electron.stopping import csda_range_g_cm2
from gemel.engines.dose.electron.transport import run

TABLE = "point_kernels.json"
MEDIA = ("water", "bone")
ENERGIES_MEV = tuple(float(f"{e:.4g}") for e in np.geomspace(0.005, 4.0, 27))
SHELLS, FARTHEST = 120, 1.2
"""Shells of equal thickness out to 1.2 CSDA ranges."""
BATCHES = 16


def shells(energy_MeV: float, tissue: str, histories: int, seed: int) -> Float[Array, "b n"]:
    """Energy (share of that of one electron) in each shell, batch by batch; what is beyond the last is in the last."""
    found = collisions(energy_MeV, tissue)
    count = -(-histories // BATCHES)
    limits = np.array([found.start, found.step, found.threshold_MeV, found.absorbed_MeV])
    scored = np.zeros((BATCHES, SHELLS))
    per_length = SHELLS / FARTHEST / float(csda_range_g_cm2(energy_MeV, tissue=tissue))
    run(energy_MeV, count, (found.rows, found.elements, limits), per_length, np.uint64(seed), scored)
    return scored / (count * energy_MeV)


def histories_at(energy_MeV: float, most: int) -> int:
    """Fewer histories where each takes longer; never under a fifth."""
    return int(most * max(0.2, min(1.0, 0.1 / energy_MeV)))


def write(path: Path, histories: int) -> None:
    """Cumulative shares of the energy by medium, energy and radius."""
    kernels = {}
    for tissue in MEDIA:
        found = [shells(e, tissue, histories_at(e, histories), n + 1).mean(axis=0) for n, e in enumerate(ENERGIES_MEV)]
        kernels[tissue] = [[float(f"{value:.5g}") for value in np.cumsum(row)] for row in found]
    data = {
        "note": "share of an electron's energy within k/100 CSDA ranges, k = 1 to 120, by gemel's Monte Carlo; the rest is bremsstrahlung",
        "histories": histories,
        "energies_MeV": ENERGIES_MEV,
        "farthest": FARTHEST,
        "within": kernels,
    }
    path.write_text(json.dumps(data, separators=(",", ":")).replace("],[", "],\n[") + "\n", encoding="utf-8")


if __name__ == "__main__":
    write(Path(__file__).with_name(TABLE), int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
