"""A block of real trabecular bone against the published answer of another program."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gemel.engines.fem.elasticity import Fixed, solid, solved
from gemel.engines.fem.multigrid import Elastic, grid

E_KPA, PRESSED_MM, EDGE_MM = 18.0e6, 0.04, 0.039


@pytest.mark.full
def test_force_on_a_block_of_trabecular_bone(shared_data: Path) -> None:
    """247.3045 N by CalculiX (published with the LHDL block): 247,062 voxels of 0.039 mm, 18 GPa, ν 0.3, pressed by 0.04 mm; 0.01 %.

    Bottom fixed, top moved along the axis and free to slide; both integrate in full (by mean dilatation it is 245.30 N).
    """
    path = shared_data / "brain_msk" / "lhdl_mask_100.npz"
    if not path.is_file():
        pytest.skip(f"reference data not found at {path}")
    data = np.load(path)
    mask = np.unpackbits(data["mask"]).reshape(data["shape"]).astype(bool)
    assert np.count_nonzero(mask) == 247062
    of = replace(solid(np.where(mask, E_KPA, 0.0), 0.3, EDGE_MM), full=True)
    held, value = np.zeros((*of.nodes, 3), dtype=bool), np.zeros((*of.nodes, 3))
    held[0], held[-1, ..., 0], value[-1, ..., 0] = True, True, -PRESSED_MM
    u, _ = solved(of, Fixed(held, value), pressure_kPa=0.0, force_mN=0.0, tolerance=1e-6)
    every = Elastic(of.lam_kPa, of.mu_kPa, of.spacing_mm, np.ones((*of.nodes, 3), dtype=bool), full=True)
    force = grid(every, np.float64, (1, 1, 1), 1.0).times(u, np.zeros_like(u))[0, ..., 0].sum() / 1000
    assert force == pytest.approx(247.3045, rel=1e-4)
