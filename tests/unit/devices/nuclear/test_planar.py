"""Conjugate views: a source at any depth reads the same; errors are what repeated scans show; one SPECT mends what all views share."""

import math
from dataclasses import replace

import numpy as np
import pytest

from gemel.core.errors import InputError, RangeError, StructureError
from gemel.core.planar import PlanarPair
from gemel.devices.nuclear import Calibration, Passage, conjugate_view, hybrid, planar_scans, retention
from gemel.engines.kinetics import posterior

H, LU_s = 3600.0, 574300.8
MU_1_mm, BODY_mm = 0.0137, 220.0  # water at 200 keV, narrow beam. NIST XCOM
Q = Calibration(8.0, 0.2, "Lu-177")
SHAPE = (40, 60)
ORGAN = np.zeros(SHAPE, bool)
ORGAN[10:18, 20:30] = True
BESIDE = np.zeros(SHAPE, bool)
BESIDE[22:28, 20:30] = True
KNOWN = Passage(MU_1_mm, 0.0, BODY_mm, 0.0, 60.0, 0.0)


def seen(thickness_mm: float, depth_mm: float) -> tuple[float, float]:
    """Part of the activity in a slab, its front at that depth, that each view counts: ∫e^(-μz)dz over the slab, by thickness."""
    z = np.linspace(depth_mm, depth_mm + thickness_mm, 20001)
    return float(np.trapezoid(np.exp(-MU_1_mm * z), z)) / thickness_mm, float(
        np.trapezoid(np.exp(-MU_1_mm * (BODY_mm - z)), z)
    ) / thickness_mm


def views(
    organ_MBq: float, *, hours: float = 24.0, thickness_mm: float = 60.0, depth_mm: float = 30.0, rest_MBq: float = 0.0
) -> PlanarPair:
    """Mean counts of a scan of 20 min: the organ's slab, and an even rest of the body before, behind and beside it."""
    front, back = seen(thickness_mm, depth_mm)
    counts = Q.Q_1_MBq_s * 1200.0
    pair = [np.zeros(SHAPE), np.zeros(SHAPE)]
    layers = np.array([seen(1.0, float(z)) for z in range(int(BODY_mm))])
    outside = np.array([not depth_mm <= z < depth_mm + thickness_mm for z in range(int(BODY_mm))])
    per_pixel = rest_MBq / (SHAPE[0] * SHAPE[1] * BODY_mm)
    for side, part in enumerate((front, back)):
        pair[side] += counts * per_pixel * layers[:, side].sum()
        pair[side][ORGAN] = counts * (organ_MBq * part / ORGAN.sum() + per_pixel * layers[outside, side].sum())
    return PlanarPair(pair[0], pair[1], (4.0, 4.0), "Lu-177", hours * H, 1200.0, 0.0, 7400.0, "made")


@pytest.mark.parametrize(("thickness_mm", "depth_mm"), [(60.0, 5.0), (60.0, 140.0), (20.0, 80.0), (219.0, 0.5)])
def test_the_activity_of_a_slab_is_exact_at_every_depth(thickness_mm: float, depth_mm: float) -> None:
    path = replace(KNOWN, region_mm=thickness_mm)
    pair = views(300.0, thickness_mm=thickness_mm, depth_mm=depth_mm)
    found = conjugate_view(pair, "kidney", mask=ORGAN, path=path, calibration=Q)
    assert found.activity_Bq == pytest.approx(3e8, rel=1e-6)


def test_what_lies_before_and_behind_is_taken_off_by_its_depth() -> None:
    pair = views(100.0, rest_MBq=500.0)
    raw, net = (conjugate_view(pair, "kidney", mask=ORGAN, path=KNOWN, calibration=Q, around=around) for around in (None, BESIDE))
    assert raw.activity_Bq > 1.2 * 1e8
    assert net.activity_Bq == pytest.approx(1e8, rel=0.04)


def test_the_stated_noise_is_that_of_repeated_scans() -> None:
    mean, rng = views(20.0, rest_MBq=1500.0), np.random.default_rng(1)
    found = []
    for _ in range(300):
        pair = replace(mean, anterior=rng.poisson(mean.anterior).astype(float), posterior=rng.poisson(mean.posterior).astype(float))
        found.append(conjugate_view(pair, "kidney", mask=ORGAN, path=KNOWN, calibration=Q, around=BESIDE))
    values = np.array([one.activity_Bq for one in found])
    assert values.std(ddof=1) / values.mean() == pytest.approx(found[0].noise_rel, rel=0.15)


def test_the_stated_error_of_the_path_is_that_of_drawn_paths() -> None:
    path = Passage(MU_1_mm, 0.0007, BODY_mm, 12.0, 60.0, 8.0)
    rng = np.random.default_rng(2)
    draws = [
        replace(path, mu_1_mm=a, body_mm=b, region_mm=c).log_factor
        for a, b, c in zip(rng.normal(MU_1_mm, 0.0007, 4000), rng.normal(BODY_mm, 12.0, 4000), rng.normal(60.0, 8.0, 4000))
    ]
    assert path.relative_sd == pytest.approx(float(np.std(draws)), rel=0.05)


def test_retention_needs_neither_attenuation_nor_calibration() -> None:
    pairs = [views(300.0 * 2.0 ** (-h / 50), hours=h, depth_mm=30.0) for h in (1.0, 24.0, 72.0)]
    np.testing.assert_allclose(retention(pairs, np.ones(SHAPE, bool)), 2.0 ** (-np.array([0.0, 23.0, 71.0]) / 50), rtol=1e-9)


def test_one_spect_mends_the_planar_curve() -> None:
    """μ taken a fifth too high, and a SPECT that is right: decays of the region within 1 %, with planar views alone 30 % too many."""
    hours = (1.0, 4.0, 24.0, 72.0, 120.0)
    wrong = {"kidney": replace(KNOWN, mu_1_mm=1.2 * MU_1_mm)}
    pairs = [views(300.0 * 2.0 ** (-h / 45), hours=h) for h in hours]
    planar, _ = planar_scans(pairs, {"kidney": ORGAN}, paths=wrong, calibration=Q)
    spect_Bq = np.array([3e8 * 2.0 ** (-48.0 / 45)])
    mended = hybrid(planar, t_s=48 * H, activity_Bq=spect_Bq)
    exact = 3e8 * 45 * H / math.log(2)
    alone, held = (posterior(scans, LU_s, draws=400, rng=np.random.default_rng(0)).mean_Bq_s[0] / exact for scans in (planar, mended))
    assert alone > 1.25
    assert held == pytest.approx(1.0, abs=0.01)


def test_views_that_cannot_be_used_are_refused() -> None:
    pair = views(10.0)
    ask = {"mask": ORGAN, "path": KNOWN, "calibration": Q}
    with pytest.raises(StructureError, match="empty region"):
        conjugate_view(pair, "kidney", **ask | {"mask": ORGAN & BESIDE})  # type: ignore[arg-type]
    with pytest.raises(RangeError, match="no counts above"):
        conjugate_view(replace(pair, posterior=pair.posterior * 0), "kidney", **ask)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="a factor for I-131"):
        conjugate_view(pair, "kidney", **ask | {"calibration": Calibration(8.0, 0.2, "I-131")})  # type: ignore[arg-type]
    with pytest.raises(RangeError, match="300"):
        replace(KNOWN, region_mm=300.0)
    with pytest.raises(InputError, match="negative"):
        replace(pair, anterior=-pair.anterior)
    with pytest.raises(RangeError, match="before the injection"):
        replace(pair, injected_s=1e9)
    scans, _ = planar_scans([pair], {"kidney": ORGAN}, paths={"kidney": KNOWN}, calibration=Q)
    with pytest.raises(RangeError, match="among the planar"):
        hybrid(scans, t_s=90 * H, activity_Bq=np.array([1e8]))
