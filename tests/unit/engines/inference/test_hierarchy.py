"""The spread between subjects is found again from posteriors that were made under a wrong prior, and what nobody told stays as it was."""

import numpy as np
import pytest

from gemel.core.errors import InputError
from gemel.engines.inference.hierarchy import evidence, group, heard, moved

MEAN, SD = np.array([0.9, -0.6, 0.0]), np.array([0.5, 1.2, 1.0])
ERROR = np.array([0.6, 0.6])


def draws(rng: np.random.Generator, n: int = 4000) -> np.ndarray:
    """A subject's posterior draws under N(0, I), of measurements (±0.6) of the first two components; nothing tells of the third."""
    seen = MEAN[:2] + SD[:2] * rng.standard_normal(2) + ERROR * rng.standard_normal(2)
    precision = np.append(1 / ERROR**2, 0.0)
    variance = 1 / (1 + precision)
    return variance * np.append(seen / ERROR**2, 0.0) + np.sqrt(variance) * rng.standard_normal((n, 3))


def test_mean_and_spread_between_subjects_are_found_again() -> None:
    """Within three standard errors of 400 subjects, 0.04 to 0.07 of the mean and 4 % of the spread."""
    rng = np.random.default_rng(1)
    found = group([evidence(draws(rng)[:, :2]) for _ in range(400)])
    np.testing.assert_allclose(found.mean, MEAN[:2], atol=0.2)
    np.testing.assert_allclose(found.sd, SD[:2], rtol=0.12)
    assert (found.told_1 > 0.3).all()


def test_what_nobody_told_is_not_learnt() -> None:
    rng = np.random.default_rng(2)
    assert heard([draws(rng) for _ in range(40)]).tolist() == [True, True, False]


def test_evidence_does_not_depend_on_the_prior_it_was_found_under() -> None:
    """Exact posteriors of one measurement under two priors, each in its own units, are one likelihood in common ones."""
    rng = np.random.default_rng(3)
    both = []
    for centre, spread in ((0.0, 1.0), (0.7, 0.8)):
        precision = 1 / spread**2 + 1 / 0.4**2
        x = (centre / spread**2 + 1.3 / 0.4**2) / precision + rng.standard_normal((40000, 1)) / np.sqrt(precision)
        both.append(moved(evidence((x - centre) / spread), np.array([1 / spread]), np.array([-centre / spread])))
    for one in both:
        assert one.precision[0, 0] == pytest.approx(1 / 0.4**2, rel=0.03)
        assert one.push[0] / one.precision[0, 0] == pytest.approx(1.3, abs=0.02)


def test_too_little_is_refused() -> None:
    with pytest.raises(InputError, match="30 draws of 3"):
        evidence(np.zeros((30, 3)))
    with pytest.raises(InputError, match="1 subjects"):
        group([evidence(draws(np.random.default_rng(0)))])
