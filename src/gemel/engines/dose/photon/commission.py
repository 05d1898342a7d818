"""Photons scattered more than once, by Monte Carlo, once: `python -m gemel.engines.dose.photon.commission` writes point_kernels.json."""

import json
import sys
from pathlib import Path

import numpy as np
from jaxtyping import Float

from gemel.core.image import Array
from gemel.engines.dose.photon.attenuation import attenuation
from gemel.engines.dose.photon.transport import run

TABLE = "point_kernels.json"
MEDIA = ("water", "soft", "bone")
ENERGIES_MEV = tuple(float(f"{e:.4g}") for e in np.geomspace(0.01, 3.0, 25))
MEAN_FREE_PATHS = tuple(float(f"{t:.4g}") for t in np.geomspace(0.02, 40.0, 96))
CUT_MEV = 0.001
BATCHES, NODES = 16, 1000


def scattered_shares(energy_MeV: float, tissue: str, histories: int, seed: int) -> Float[Array, "b n"]:
    """Share of the energy left within each radius of MEAN_FREE_PATHS after the first collision, batch by batch."""
    energy = np.geomspace(0.9 * CUT_MEV, 1.001 * energy_MeV, NODES)
    found, own = attenuation(energy, tissue), attenuation(np.array(energy_MeV), tissue)
    rows = np.stack([found.photo_cm2_g, found.compton_cm2_g, found.pair_cm2_g], axis=1)
    steps = np.array([np.log(energy[0]), np.log(energy[1] / energy[0]), CUT_MEV])
    edges = (np.array(MEAN_FREE_PATHS) / float(own.total_cm2_g)) ** 2
    left, count = np.zeros((BATCHES, len(edges) + 1)), -(-histories // BATCHES)
    run(energy_MeV, count, (rows, steps), edges, np.uint64(seed), left)
    return np.cumsum(left, axis=1)[:, :-1] / (count * energy_MeV)


def write(path: Path, histories: int) -> None:
    """Shares by medium, energy and radius."""
    kernels = {}
    for tissue in MEDIA:
        found = [scattered_shares(e, tissue, histories, n + 1).mean(axis=0) for n, e in enumerate(ENERGIES_MEV)]
        kernels[tissue] = [[float(f"{value:.5g}") for value in row] for row in found]
    data = {
        "note": "share of a photon's energy left within a radius (mean free paths) at all collisions but the first, by gemel's Monte Carlo",
        "histories": histories,
        "energies_MeV": ENERGIES_MEV,
        "mean_free_paths": MEAN_FREE_PATHS,
        "scattered_within": kernels,
    }
    path.write_text(json.dumps(data, separators=(",", ":")).replace("],[", "],\n[") + "\n", encoding="utf-8")


if __name__ == "__main__":
    write(Path(__file__).with_name(TABLE), int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
