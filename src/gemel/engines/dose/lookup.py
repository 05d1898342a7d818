"""Beam tables on even depth steps, in the form that the pencil-beam kernel reads: float32, one look-up a voxel."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32

from gemel.core.image import Array
from gemel.engines.dose.beam_data import Layer

NODES = 2048
DEPTH_DOSE_FLOOR = 1e-4  # of the peak; depths beyond which less than this is left are not followed


@dataclass(frozen=True)
class Lookup:
    """Per layer and depth node: a1, k1, a2, k2 of a1·exp(k1·r²) + a2·exp(k2·r²), and the squared radius at which it is cut.

    `cut_mm2` never decreases with depth. `let_keV_um` is that of the layer at each depth.
    """

    steps_1_mm: Float32[Array, "l"]
    end_mm: Float32[Array, "l"]
    coefficients: Float32[Array, "l n 4"]
    cut_mm2: Float32[Array, "l n"]
    let_keV_um: Float32[Array, "l n"]


def tabulate(layers: Sequence[Layer], kept: float) -> Lookup:
    """Tables of each layer in which the share `kept` of the dose across the beam lies inside the cut and is scaled up to the whole."""
    ends = np.array([_end_mm(row) for row in layers])
    rows = [_row(row, np.linspace(0, end, NODES), kept) for row, end in zip(layers, ends)]
    coefficients = np.stack([r[0] for r in rows]).astype(np.float32)
    cut_mm2 = np.maximum.accumulate(np.stack([r[1] for r in rows]), axis=1).astype(np.float32)
    let = np.stack([np.interp(np.linspace(0, end, NODES), row.depth_mm, row.let_keV_um) for row, end in zip(layers, ends)])
    return Lookup(((NODES - 1) / ends).astype(np.float32), ends.astype(np.float32), coefficients, cut_mm2, let.astype(np.float32))


def _end_mm(row: Layer) -> float:
    left = np.flatnonzero(row.idd_Gy_mm2 > DEPTH_DOSE_FLOOR * row.idd_Gy_mm2.max())
    return float(row.depth_mm[min(left[-1] + 1, len(row.depth_mm) - 1)])


def _row(row: Layer, depth_mm: Float[Array, "n"], kept: float) -> tuple[Array, Array]:
    core, halo = (row.spot_sigma_mm**2 + sigma**2 for sigma in (row.sigma1_mm, row.sigma2_mm))
    cut_mm2 = np.interp(depth_mm, row.depth_mm, cut_radius_mm(core, halo, row.weight2, kept) ** 2)
    core, halo, weight, idd = (np.interp(depth_mm, row.depth_mm, t) for t in (core, halo, row.weight2, row.idd_Gy_mm2))
    columns = (idd * (1 - weight) / (2 * np.pi * core * kept), -0.5 / core, idd * weight / (2 * np.pi * halo * kept), -0.5 / halo)
    return np.stack(columns, axis=1), cut_mm2


def cut_radius_mm(core_mm2: Float[Array, "d"], halo_mm2: Float[Array, "d"], weight: Float[Array, "d"], kept: float) -> Float[Array, "d"]:
    """Radius r with (1−w) exp(−r²/2σ1²) + w exp(−r²/2σ2²) = 1 − kept, by bisection on r²."""
    low = np.zeros_like(core_mm2)
    high = -2 * np.log1p(-kept) * np.maximum(core_mm2, halo_mm2)
    for _ in range(40):
        middle = (low + high) / 2
        outside = (1 - weight) * np.exp(-middle / 2 / core_mm2) + weight * np.exp(-middle / 2 / halo_mm2)
        low, high = np.where(outside > 1 - kept, middle, low), np.where(outside > 1 - kept, high, middle)
    return np.sqrt(high)
