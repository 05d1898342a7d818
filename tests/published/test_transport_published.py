"""Infusion into a ball in closed form: Morrison et al. 1994, Am J Physiol 266:R292; Darcy's law of a point source."""

import numpy as np
import pytest

from gemel.core.image import Array
from gemel.engines.pde.advection import Medium, transport
from gemel.engines.pde.domain import domain
from gemel.engines.pde.elliptic import Held
from gemel.engines.pde.flow import Flow, darcy

Q_MM3_S, PHI = 0.083, 0.2


def ball(n: int) -> tuple[Array, float]:
    """Distances from the middle voxel, and the radius inside of which all is free."""
    return np.sqrt(((np.indices((n, n, n)) - n // 2) ** 2).sum(axis=0)), n // 2 - 1.0


def infusion(n: int) -> tuple[Flow, Array, Held]:
    r, reach = ball(n)
    held, source = Held(r >= reach), np.where(r == 0, Q_MM3_S, 0.0)
    return darcy(domain(r < reach + 1, 1.0), 1.0, source=source, held=held), source, held


def test_pressure_of_a_point_source() -> None:
    """p = Qμ/(4πK) (1/r − 1/R): 3 % at 4 voxels and more (R is known to half a voxel), and the drop between two radii to 1 %.

    The seven-point stencil itself is 2h²/(8r²) high along an axis at r.
    """
    flow, _, _ = infusion(49)
    r, reach = ball(49)
    p = flow.on.leave(flow.pressure)
    away = (r > 4) & (r < 0.7 * reach)
    exact = Q_MM3_S / (4 * np.pi) * (1 / r[away] - 1 / (reach + 0.3))
    np.testing.assert_allclose(p[away], exact, rtol=0.03)
    drop = Q_MM3_S / (4 * np.pi) * (1 / 10 - 1 / 18)
    assert p[24, 24, 34] - p[24, 24, 42] == pytest.approx(drop, rel=0.01)


def test_flux_through_any_closed_surface() -> None:
    """Q through boxes about the source, to 1e-7, in tissue of two conductivities along unlike axes."""
    rng = np.random.default_rng(0)
    shape = (21, 19, 17)
    source, held = np.zeros(shape), np.zeros(shape, dtype=bool)
    source[10, 9, 8] = Q_MM3_S / (0.8 * 1.2)
    held[0] = True
    flow = darcy(domain(np.ones(shape), (1.0, 0.8, 1.2)), np.exp(rng.normal(size=(3, *shape))), source=source, held=Held(held))
    assert flow.divergence[3:18, 4:15, 5:12].sum() * 0.96 == pytest.approx(Q_MM3_S, rel=1e-7)
    assert flow.divergence[8:12, 8:11, 2:14].sum() * 0.96 == pytest.approx(Q_MM3_S, rel=1e-7)
    assert np.abs(flow.divergence[2:8]).max() < 1e-7 * Q_MM3_S


@pytest.mark.parametrize(("order", "rel"), [(1, 0.03), (2, 0.01)])
def test_front_of_an_infusion(order: int, rel: float) -> None:
    """R(t) = (3Qt/4πφ)^{1/3}, where c is half of what is infused, at 7 and 9 voxels; Vd/Vi = 1/φ = 5 from it, thrice as far off."""
    flow, source, held = infusion(33)
    reach = 0.6 * ball(33)[1]
    end = 4 * np.pi * PHI / (3 * Q_MM3_S) * reach**3
    found = transport(flow, Medium(PHI, open=held.where, source=source), t_s=np.array([end / 2, end]), order=order)
    volumes = (found.c > 0.5).sum(axis=(1, 2, 3))
    radii = (3 * volumes / (4 * np.pi)) ** (1 / 3)
    assert radii == pytest.approx(reach * np.array([0.5 ** (1 / 3), 1.0]), rel=rel)
    assert volumes[1] / (Q_MM3_S * end) == pytest.approx(1 / PHI, rel=3 * rel)


def test_profile_of_what_is_lost_on_the_way() -> None:
    """At rest c = e^{−4πφkr³/3Q}; the error at 3 voxels and more falls with the grid."""
    errors = []
    for n in (33, 49):
        flow, source, held = infusion(n)
        reach = ball(n)[1]
        k = 3 * Q_MM3_S / (4 * np.pi * PHI * (0.5 * reach) ** 3)
        found = transport(flow, Medium(PHI, loss_1_s=k, open=held.where, source=source), t_s=np.array([8 / k]))
        r = ball(n)[0]
        away = (r > 0.2 * reach) & (r < 0.6 * reach)
        exact = np.exp(-4 * np.pi * PHI * k * r[away] ** 3 / (3 * Q_MM3_S))
        errors.append(float(np.sqrt(((found.c[0][away] - exact) ** 2).mean())))
    assert errors[1] < 0.01
    assert errors[1] < 0.8 * errors[0]
