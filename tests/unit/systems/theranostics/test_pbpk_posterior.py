"""What four scans teach about ten parameters of the PSMA model, on persons whose truth is known."""

import numpy as np
import pytest

from gemel.core.errors import RangeError
from gemel.engines.inference.uniformity import chi_square_p
from gemel.systems.theranostics import pbpk
from gemel.systems.theranostics.pbpk_posterior import LEARNT, Scan, learnt, prior

KNOWN = pbpk.corrected_parameters()
T_MIN = np.array([240.0, 1440.0, 4320.0, 10080.0])
SEEN = ("kidney", "salivary", "liver", "tumor1", "tumor2", "tumor_rest", "whole_body")
NOISE = 0.1


def scanned(truth, rng):
    """Four scans with errors of 10 %."""
    there = pbpk.solve(truth, 10.3, 100.0, T_MIN)
    noisy = {organ: there[organ][0] * (1 + NOISE * rng.standard_normal(4)) for organ in SEEN}
    return [
        Scan(t, {o: max(float(noisy[o][i]), 0.0) for o in SEEN}, {o: NOISE * float(there[o][0, i]) for o in SEEN})
        for i, t in enumerate(T_MIN)
    ]


def rank(rng, draws):
    """Where the true kidney residence time of a person drawn from the prior lies among the posterior's."""
    truth = prior(KNOWN, 1, rng)
    known = learnt(KNOWN, scanned(truth, rng), pbpk.Injection(10.3, 100.0), rng, draws=draws)
    found, true = (np.asarray(pbpk.tiac_h(p, 10.3, 100.0, every_min=0)["kidney"]) for p in (known, truth))
    return float((found < true[0]).mean()), float(np.log(found).std())


def test_scans_narrow_what_is_known_and_keep_the_truth():
    place, width = rank(np.random.default_rng(8), 400)
    before = np.log(pbpk.tiac_h(prior(KNOWN, 400, np.random.default_rng(9)), 10.3, 100.0, every_min=0)["kidney"]).std()
    assert width < 0.25 * before
    assert 0.005 < place < 0.995


@pytest.mark.full
def test_posteriors_are_calibrated():
    """Ranks of the truth over 180 persons are uniform. Talts et al. 2018, arXiv:1804.06788."""
    ranks = np.array([rank(rng, 300)[0] for rng in map(np.random.default_rng, (21, 22, 23)) for _ in range(60)])
    assert chi_square_p(ranks, bins=6) > 0.01
    assert 0.8 < ((ranks > 0.05) & (ranks < 0.95)).mean() <= 0.98


def test_scans_that_cannot_be_used_are_refused():
    for scan, said in (
        (Scan(60.0, {"heart valve": 1.0}, {"heart valve": 1.0}), "heart valve"),
        (Scan(60.0, {"kidney": 1.0}, {}), "kidney"),
        (Scan(60.0, {"kidney": -1.0}, {"kidney": 1.0}), "-1.0"),
        (Scan(60.0, {"kidney": np.nan}, {"kidney": 1.0}), "nan"),
    ):
        with pytest.raises(RangeError, match=said):
            learnt(KNOWN, [scan], pbpk.Injection(10.3, 100.0), np.random.default_rng(0))
    assert len(LEARNT) >= 8
