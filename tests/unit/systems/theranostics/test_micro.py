"""Parts of the micro-scale model: maps of vessels and spots, tracers, ligands, effect, and what they refuse."""

from pathlib import Path

import numpy as np
import pytest
from numba import njit

from gemel.core.errors import GeometryError, InputError, RangeError, StructureError, UnitError
from gemel.engines import pde
from gemel.systems.theranostics import micro
from gemel.systems.theranostics.micro.effect import AC_225, LU_177

RNG = np.random.default_rng


def test_vessels_have_their_density_and_keep_their_distance() -> None:
    found = micro.generated((100, 100), 0.02, 50.0, distance_mm=0.06, rng=RNG(1))
    places = np.argwhere(found[:, :, 0]) * 0.02
    apart = np.linalg.norm(places[:, None] - places, axis=2) + 9 * np.eye(len(places))
    assert len(places) == pytest.approx(200, abs=45)
    assert apart.min() > 0.06 - 0.02 * np.sqrt(2)
    np.testing.assert_array_equal(found, micro.generated((100, 100), 0.02, 50.0, distance_mm=0.06, rng=RNG(1)))
    half = np.where(np.arange(100) < 50, 100.0, 0.0)[:, None] * np.ones(100)
    assert not micro.generated((100, 100), 0.02, half, rng=RNG(1))[50:].any()


def test_maps_that_cannot_be() -> None:
    with pytest.raises(RangeError, match="no room"):
        micro.generated((10, 10), 0.02, 5000.0, distance_mm=0.1, rng=RNG(1))
    with pytest.raises(RangeError, match="under zero"):
        micro.generated((10, 10), 0.02, -1.0, rng=RNG(1))
    with pytest.raises(GeometryError, match="section"):
        micro.generated((10, 10), 0.0, 1.0, rng=RNG(1))
    with pytest.raises(RangeError, match="no vessel over"):
        micro.stained(np.zeros((4, 4)), 0.5)
    with pytest.raises(StructureError, match="no vessel"):
        micro.oxygen_mmHg(np.zeros((4, 4, 1)), 0.02)
    with pytest.raises(RangeError, match="zero or more"):
        micro.residence(micro.Ligand(), -np.ones((4, 4, 1)), 1.0, 0.02, decay_1_s=1e-6)
    with pytest.raises(RangeError, match="more than zero"):
        micro.residence(micro.Ligand(), np.ones((4, 4, 1)), 1.0, 0.02, decay_1_s=0.0)
    with pytest.raises(RangeError, match="no tissue"):
        micro.receiving(np.ones(3), np.zeros(3), np.array([1.0]))
    with pytest.raises(RangeError, match="fraction"):
        micro.flt(np.full((2, 2, 1), 1.2), np.zeros((2, 2, 1)))
    with pytest.raises(GeometryError, match="section of shape"):
        micro.section_dose_Gy(np.ones((3, 3, 3)), 0.02, LU_177)


def test_a_stained_section() -> None:
    stain = np.zeros((5, 4))
    stain[2, 1] = 0.9
    assert micro.stained(stain, 0.5).sum() == 1
    assert micro.stained(stain, 0.5).shape == (5, 4, 1)


def test_vessels_that_exchange_approach_vessels_that_are_held() -> None:
    vessels = micro.generated((30, 30), 0.02, 60.0, rng=RNG(2))
    held = micro.oxygen_mmHg(vessels, 0.02)
    np.testing.assert_allclose(micro.oxygen_mmHg(vessels, 0.02, exchange_1_s=1e6), held, atol=0.01)
    assert (micro.oxygen_mmHg(vessels, 0.02, exchange_1_s=20.0) < held).mean() > 0.99


def test_ligand_at_rest_is_the_time_integral_of_ligand_in_time() -> None:
    """The integral of free, bound and internalised ligand, stepped with rates raised so that little is left at the end; 1 %."""
    lam, R = 2e-3, 100.0
    ligand = micro.Ligand(1e-4, 0.5, 1e-4, 5e-3, 2e-3, 1e-3)
    vessels = micro.generated((12, 12), 0.02, 120.0, rng=RNG(3)).astype(float)

    @njit
    def change(u, p, f, du):  # type: ignore[no-untyped-def]
        bound = p[1] * u[0] - p[2] * u[1]
        du[0] = p[0] * (f[0] - u[0]) - bound - p[5] * u[0]
        du[1] = bound - (p[3] + p[5]) * u[1]
        du[2] = p[3] * u[1] - (p[4] + p[5]) * u[2]
        du[3] = u[0] + u[1] + u[2]

    plasma = micro.Plasma((2.0,), (1e-2,))
    rates = (0.5 * vessels, R * ligand.k_on_L_nmol_s, ligand.k_off_1_s, ligand.lambda_int_1_s, ligand.lambda_rel_1_s, lam)
    reaction = pde.Reaction(change, rates, lambda most: 0.6, plasma.mean, species=4)
    found = pde.solve_s(np.zeros((4, *vessels.shape)), np.ones(vessels.shape), 0.02, np.array([1e-4, 0, 0, 0]), reaction, [4000.0])[0, 3]
    rest = micro.residence(ligand, vessels, R, 0.02, decay_1_s=lam) * plasma.integral_s()
    np.testing.assert_allclose(found, rest, rtol=0.01)


def test_exposure_falls_over_the_penetration_depth() -> None:
    """e^{−x/L} from a flat vessel, 3 %."""
    vessels = np.zeros((150, 1, 1))
    vessels[0] = 1e4
    found = micro.residence(micro.Ligand(), vessels, 266.0, 0.01, decay_1_s=1.2e-6)[:, 0, 0]
    depth = micro.penetration_mm(micro.Ligand(), 266.0, decay_1_s=1.2e-6)
    assert found[10] / found[40] == pytest.approx(np.exp(0.3 / depth), rel=0.03)


def test_other_tracers_follow_their_tissue() -> None:
    """FDG and lactate are more where oxygen is short; FLT where cells divide, and it spreads less in fibrous tissue."""
    vessels = np.zeros((40, 10, 1))
    vessels[0] = 1.0
    p = micro.oxygen_mmHg(vessels, 0.01)
    plasma = micro.Plasma((1.0,), (0.0,))
    glucose = np.asarray(micro.fdg(p).trap_1_s)
    assert glucose.max() / glucose.min() == pytest.approx(2.0 / (1 + 3 / 43), rel=0.01)
    lactate = micro.lactate(p, vessels, 0.01)
    assert (np.diff(lactate[:, 0, 0]) > 0).all()
    times = np.array([600.0])
    half = np.where(np.arange(10) < 5, 0.8, 0.1)[None, :, None] * np.ones((40, 10, 1))
    loose, dense = (micro.uptake(micro.flt(half, np.full(half.shape, s)), vessels, 0.01, plasma=plasma, t_s=times)[0] for s in (0.0, 1.0))
    assert loose[1, :, 0].sum() > 3 * loose[1, :, -1].sum()
    assert dense[0, 30].mean() < 0.6 * loose[0, 30].mean()


def test_lactate_leaves_as_fast_as_it_is_made() -> None:
    vessels = micro.generated((30, 30), 0.02, 60.0, rng=RNG(2)).astype(float)
    p = micro.oxygen_mmHg(vessels, 0.02)
    found = micro.lactate(p, vessels, 0.02)
    left = (0.1 * vessels * (found - 1.0)).sum()
    assert left == pytest.approx((3e-3 * 3.0 / (3.0 + np.maximum(p, 0))).sum(), rel=1e-3)


def test_flow_limits_exchange() -> None:
    assert micro.flow_limited(0.1, 1e6) == pytest.approx(0.1, rel=1e-6)
    assert micro.flow_limited(0.1, 0.01) == pytest.approx(0.01, rel=1e-4)
    assert micro.flow_limited(0.1, 0.0) == 0.0


def test_alphas_need_less_oxygen() -> None:
    """At no oxygen e^{−α RBE D/m}: ln S falls by m = 3 for betas (linear part), by 1.2 for alphas."""
    for radiation in (LU_177, AC_225):
        kill = [-np.log(micro.surviving(np.array([2.0]), np.array([p]), radiation, beta_1_Gy2=0.0))[0] for p in (0.0, 1e9)]
        assert kill[1] == pytest.approx(0.147 * radiation.rbe_1 * 2.0, rel=1e-6)
        assert kill[1] / kill[0] == pytest.approx(radiation.m_1, rel=1e-6)


def test_histogram_of_dose_to_tissue() -> None:
    found = micro.receiving(np.array([1.0, 2.0, 3.0]), np.array([1.0, 1.0, 2.0]), np.array([0.0, 2.0, 3.5]))
    assert found == pytest.approx([1.0, 0.75, 0.0])


def test_spots(tmp_path: Path) -> None:
    table = tmp_path / "spots.csv"
    table.write_text("x,y,cancer,FAP\n0,0,0.9,1\n100,0,0.2,5\n200,0,0.5,3\n", encoding="utf-8")
    found = micro.read_spots(table, "um")
    grid = micro.on_grid(found, "cancer", 0.05)
    assert found.x_mm == pytest.approx([0.0, 0.1, 0.2])
    assert grid.shape == (5, 1, 1)
    assert grid[[0, 2, 4], 0, 0] == pytest.approx([0.9, 0.2, 0.5])
    with pytest.raises(UnitError, match="places"):
        micro.read_spots(table, "pixel")
    with pytest.raises(InputError, match="no column"):
        micro.on_grid(found, "GRPR", 0.05)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("x,cancer\n0,1\n", "columns"),
        ("x,y,c\n0,0,NA\n", "no number"),
        ("x,y,c\n0,0,-1\n", "negative"),
        ("x,y,c\n0,0,nan\n", "finite"),
        ("x,y,c\n0,0\n", "full rows"),
        ("", "columns"),
    ],
)
def test_tables_of_spots_that_are_refused(tmp_path: Path, text: str, match: str) -> None:
    table = tmp_path / "spots.csv"
    table.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=match):
        micro.read_spots(table, "um")
