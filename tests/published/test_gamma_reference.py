"""Pass rates against pymedphys 0.41.0 (gamma with interp_fraction=10, 10 % cut-off) on one pair of noisy, shifted dose blocks."""

import numpy as np
import pytest

from gemel.engines.gamma import gamma_map, pass_rate

SPACING_MM = (2.0, 2.5, 3.0)
PYMEDPHYS = {(2.0, 2.0): (98.928, 0.5607), (3.0, 3.0): (100.0, 0.3856), (1.0, 1.0): (37.486, 1.0898), (2.0, 1.0): (46.461, 1.0062)}


def pair() -> tuple[np.ndarray, np.ndarray]:
    x, y, z = np.meshgrid(np.arange(30) * 2.0, np.arange(34) * 2.5, np.arange(26) * 3.0, indexing="ij")

    def block(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        return 2 * np.exp(-(((x - 30) / 18) ** 6 + ((y - 42) / 20) ** 4 + ((z - 38) / 22) ** 6))

    noise = np.random.default_rng(3).normal(0, 0.01, x.shape)
    return block(x, y, z), block(x - 1.5, y + 1, z - 1) * 1.015 + noise


@pytest.mark.parametrize(("criteria", "expected"), PYMEDPHYS.items())
def test_pass_rate_within_half_a_point_and_mean_gamma_within_one_percent(criteria, expected) -> None:
    reference, evaluated = pair()
    rate, mean = expected
    assert pass_rate(reference, evaluated, SPACING_MM, *criteria, 10.0) == pytest.approx(rate, abs=0.5)
    assert np.nanmean(gamma_map(reference, evaluated, SPACING_MM, *criteria, 10.0)) == pytest.approx(mean, rel=0.01)
