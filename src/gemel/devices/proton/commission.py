"""Commission the generic machine: its depth doses by gemel's Monte Carlo. `python -m gemel.devices.proton.commission` writes the table."""

import json
import sys
from pathlib import Path

import numpy as np
from jaxtyping import Float
from scipy.signal import savgol_filter

from gemel.core.image import Array, Image
from gemel.devices.proton.depth_dose import PEAK_WIDTHS, TABLE, nodes_mm
from gemel.devices.proton.generic import beam_of, width_mm
from gemel.engines.dose.beam_data import BeamData, layer
from gemel.engines.dose.bragg import MEV_CM2_G_TO_GY_MM2_PER_1E6
from gemel.engines.dose.monte_carlo import simulate

ENERGIES_MEV = (60.0, 70.0, 85.0, 100.0, 125.0, 150.0, 175.0, 200.0, 225.0, 250.0)
HISTORIES = 400_000
BINS_A_WIDTH = 8  # bins of the simulation in one straggling width
SMOOTHED = (9, 3)  # bins and degree of the polynomial that takes the noise off
SIDE_MM = 600.0  # of the one voxel across the beam: all that is scattered counts


def simulated_Gy_mm2(beam: BeamData, energy_MeV: float, *, histories: int, seed: int) -> Float[Array, "d"]:
    """Integral depth dose of 1e6 protons in water at the nodes, stretched so that its R80 is the range of the machine exactly."""
    row = layer(beam, energy_MeV)
    sigma_mm = width_mm(row.energy_MeV, row.range_mm, row.energy_sigma_MeV)
    bin_mm = sigma_mm / BINS_A_WIDTH
    bins = int(np.ceil((row.range_mm + PEAK_WIDTHS[1] * sigma_mm) / bin_mm)) + 2 * BINS_A_WIDTH
    affine_mm = np.diag([SIDE_MM, bin_mm, SIDE_MM, 1.0])
    affine_mm[1, 3] = bin_mm / 2
    water = Image(np.ones((1, bins, 1), dtype=np.float32), affine_mm)
    spot = np.array([[0.0, 0.0, 0.0, energy_MeV]])
    dose_Gy, _ = simulate(water, spot, np.ones(1), beam, np.zeros(3), histories, seed, values="rsp")
    curve = np.maximum(savgol_filter(dose_Gy[0, :, 0].astype(np.float64) * SIDE_MM**2, *SMOOTHED), 0.0)
    depth_mm = bin_mm * (np.arange(bins) + 0.5)
    return averaged(depth_mm * row.range_mm / r80_mm(depth_mm, curve), curve, nodes_mm(row.range_mm, sigma_mm))


def r80_mm(depth_mm: Float[Array, "n"], curve: Float[Array, "n"]) -> float:
    """Depth behind the peak at which 80 % of it is left."""
    k = int(np.flatnonzero(curve >= 0.8 * curve.max())[-1])
    share = (curve[k] - 0.8 * curve.max()) / (curve[k] - curve[k + 1])
    return float(depth_mm[k] + share * (depth_mm[k + 1] - depth_mm[k]))


def averaged(depth_mm: Float[Array, "n"], curve: Float[Array, "n"], nodes: Float[Array, "d"]) -> Float[Array, "d"]:
    """Mean of the curve over each node's own stretch of depth; where that is less than a bin, its value there."""
    edges = np.concatenate([nodes[:1], (nodes[1:] + nodes[:-1]) / 2, nodes[-1:]])
    step = depth_mm[1] - depth_mm[0]
    integral = np.interp(edges, np.concatenate([[0.0], depth_mm + step / 2]), np.concatenate([[0.0], np.cumsum(curve) * step]))
    mean = np.diff(integral) / np.diff(edges)
    return np.where((np.diff(edges) > step) & (np.arange(len(nodes)) > 0), mean, np.interp(nodes, depth_mm, curve))


def write(path: Path, histories: int = HISTORIES) -> None:
    """Simulate every energy of the table and write it."""
    beam, _, _ = beam_of(analytic=True)
    curves = [simulated_Gy_mm2(beam, e, histories=histories, seed=n) / MEV_CM2_G_TO_GY_MM2_PER_1E6 for n, e in enumerate(ENERGIES_MEV)]
    data = {
        "note": "MeV cm2/g per proton in water at commission's nodes, by gemel's Monte Carlo",
        "histories": histories,
        "energies_MeV": ENERGIES_MEV,
        "idd_MeV_cm2_g": [[float(f"{value:.4g}") for value in curve] for curve in curves],
    }
    path.write_text(json.dumps(data, separators=(",", ":")).replace("],[", "],\n[") + "\n", encoding="utf-8")


if __name__ == "__main__":
    write(Path(__file__).with_name(TABLE), int(sys.argv[1]) if len(sys.argv) > 1 else HISTORIES)
