"""Convection-enhanced delivery: the closed forms through the whole system, and the limits that are known."""

from dataclasses import replace

import numpy as np
import pytest

from gemel.systems.infusion import delivery
from gemel.systems.infusion.catheter import Infusion
from gemel.systems.infusion.delivery import EXTENT, LEAK, calculated, delivered, features
from gemel.systems.infusion.phantom import phantom

PARAMS = {"porosity_1": 0.2, "anisotropy_1": 1.0, "loss_1_s": 0.0, "backflow_1": 0.0}
ALL = phantom(shape=32, spacing_mm=1.5, anisotropic=False)
PLAIN = replace(ALL, fluid=ALL.fluid & ~(np.abs(np.indices(ALL.fluid.shape) - 15.5).max(axis=0) < 15))  # the outer wall alone


@pytest.mark.parametrize(("porosity", "hours"), [(0.2, 3.0), (0.3, 3.0), (0.2, 1.5)])
def test_distributed_over_infused_volume_is_one_over_porosity(porosity: float, hours: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Vd/Vi = 1/φ: Morrison et al. 1994, Am J Physiol 266:R292; 5 for φ 0.2. Without diffusion, where c is over half of what is infused."""
    monkeypatch.setattr(delivery, "DIFFUSIVITY_mm2_s", 0.0)
    found = delivered(PLAIN, PARAMS | {"porosity_1": porosity}, (Infusion(8.0, hours, "A"),))
    infused_mm3 = 8.0 * 60.0 * hours
    assert found.given_mm3 == pytest.approx(infused_mm3, rel=1e-6)
    assert (found.c_1 > 0.5).sum() * PLAIN.grid.voxel_mL * 1000 / infused_mm3 == pytest.approx(1 / porosity, rel=0.04)


def test_nothing_is_lost_on_the_way() -> None:
    """What entered is in the pores or has left into fluid, to 1e-6."""
    found = delivered(ALL, PARAMS, (Infusion(8.0, 3.0, "C"),))
    held = float((found.c_1 * np.where(ALL.fluid, 0.0, 0.2)).sum()) * ALL.grid.voxel_mL * 1000
    assert held + found.left_mm3 == pytest.approx(found.given_mm3, rel=1e-6)
    assert found.left_mm3 > 0.01 * found.given_mm3  # the tip is 12 mm from the ventricle


def test_without_anisotropy_the_tensor_does_not_matter() -> None:
    """With the exponent near 0 fibres change nothing; with 1 contrast reaches farther along them (y) than across (z)."""
    fibres, one = phantom(shape=28, spacing_mm=2.0), Infusion(8.0, 2.0, "B")
    none, some = (features(fibres, delivered(fibres, PARAMS | {"anisotropy_1": a}, (one,))) for a in (1e-6, 1.0))
    plain = phantom(shape=28, spacing_mm=2.0, anisotropic=False)
    isotropic = features(plain, delivered(plain, PARAMS | {"anisotropy_1": 1e-6}, (one,)))
    assert none == pytest.approx(isotropic, abs=1e-4)
    assert none[EXTENT + 1] - none[EXTENT + 2] == pytest.approx(0.0, abs=0.03)
    assert some[EXTENT + 1] - some[EXTENT + 2] > 0.15


def test_a_tip_nearer_the_ventricle_leaks_more() -> None:
    done = [((Infusion(5.0, 3.0, name).kind, 0.0, 3.0),) for name in "BAC"]
    leaks = [calculated(ALL, {n: np.array([v]) for n, v in PARAMS.items()}, one)[0, LEAK] for one in done]
    assert (np.diff(leaks) > 0).all()


def reached_along(turned_deg: float | None) -> tuple[np.ndarray, float, float]:
    """Features beside fibres that lie so, the covariance of y and z of what is reached (mm²), and the balance."""
    body = phantom(shape=24, spacing_mm=2.0, turned_deg=turned_deg)
    found = delivered(body, PARAMS, (Infusion(8.0, 2.0, "B"),))
    reached, axis = delivery.seen_1(found) * body.tissue, (np.arange(24) - 11.5) * 2.0
    held = float((found.c_1 * np.where(body.fluid, 0.0, 0.2)).sum()) * body.grid.voxel_mL * 1000
    covariance = float((reached * axis[None, :, None] * axis[None, None, :]).sum() / reached.sum())
    return features(body, found), covariance, (held + found.left_mm3) / found.given_mm3


def test_what_is_infused_follows_fibres_that_lie_obliquely() -> None:
    """Tuch et al. 2001, PNAS 98:11697 (K along the tensor): a turn of the fibres turns what is reached, and nothing is lost by it."""
    (plain, _, _), (none, _, _), (quarter, _, _) = (reached_along(turned) for turned in (None, 0.0, 90.0))
    y, z = EXTENT + 1, EXTENT + 2
    assert none[:LEAK] == pytest.approx(plain[:LEAK], abs=0.01)  # six components against three
    assert quarter[[y, z]] == pytest.approx(none[[z, y]], abs=0.01)
    for angle, sign in ((45.0, 1.0), (-45.0, -1.0)):
        turned, covariance, balance = reached_along(angle)
        assert sign * covariance > 8.0
        assert turned[y] == pytest.approx(turned[z], abs=0.02)
        assert balance == pytest.approx(1.0, rel=1e-9)
