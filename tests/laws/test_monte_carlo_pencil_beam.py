"""Two engines, one plan: the pencil beam against the Monte Carlo in a body with bones."""

import numpy as np
import pytest

from gemel.core.image import Image
from gemel.devices.proton import Machine
from gemel.engines.dose import influence, place_spots
from gemel.engines.dose.monte_carlo import simulate
from gemel.engines.gamma import pass_rate


def body(spacing_mm: float) -> tuple[Image, np.ndarray]:
    """An ellipse of water 330 x 210 mm with two cylinders of bone, and an ellipsoid to treat at its centre."""
    shape = tuple(round(s / spacing_mm) for s in (360.0, 240.0, 120.0))
    x, y, z = np.meshgrid(*[(np.arange(n) - (n - 1) / 2) * spacing_mm for n in shape], indexing="ij")
    rsp = np.where((x / 165) ** 2 + (y / 105) ** 2 <= 1, 1.0, 0.001)
    rsp[(np.abs(x) - 100) ** 2 + y**2 <= 22**2] = 1.35
    affine = np.diag([spacing_mm] * 3 + [1.0])
    affine[:3, 3] = [-(n - 1) / 2 * spacing_mm for n in shape]
    return Image(rsp.astype(np.float32), affine), (x / 22) ** 2 + (y / 18) ** 2 + (z / 20) ** 2 <= 1


@pytest.mark.full
def test_gamma_of_the_pencil_beam_against_the_monte_carlo() -> None:
    """2 %/2 mm, cut-off 10 %, within the body: at least 90 %; the mean dose of the target within 3 %."""
    rsp, target = body(3.0)
    machine, iso = Machine.generic(), np.zeros(3)
    spots = np.concatenate([place_spots(rsp, target, gantry, machine, iso) for gantry in (90.0, 270.0)])
    matrix, weights = influence(rsp, spots, machine, iso), np.ones(len(spots))
    inside = matrix[np.flatnonzero(target)]
    for _ in range(60):
        weights *= (inside.T @ np.full(inside.shape[0], 2.0)) / (inside.T @ (inside @ weights))
    pencil = (matrix @ weights).reshape(rsp.shape).astype(np.float32)
    dose, uncertainty = simulate(rsp, spots, weights, machine, iso, 2_000_000, 1)
    assert np.sqrt(np.mean(uncertainty[target] ** 2)) < 0.02
    assert float(dose[target].mean()) == pytest.approx(float(pencil[target].mean()), rel=0.03)
    within = [np.where(rsp.array > 0.2, d, 0.0).astype(np.float32) for d in (dose, pencil)]
    assert pass_rate(*within, rsp.spacing_mm, 2, 2, 10) >= 90
    assert pass_rate(*within[::-1], rsp.spacing_mm, 2, 2, 10) >= 90
