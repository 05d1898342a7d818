"""The joint critical value against a table: of many patients in arms that do not depend on each other it is Tukey's range over √2."""

from itertools import combinations

import numpy as np
import pytest

from gemel.engines.inference.contrasts import critical_value


@pytest.mark.parametrize(("arms", "q"), [(3, 3.314), (4, 3.633), (5, 3.858)])
def test_all_pairs_have_the_points_of_the_studentized_range(arms: int, q: float) -> None:
    """Upper 5 % points without end of freedom, Harter 1960, Ann Math Stat 31:1122, table 3; ± 0.02. One difference alone has 2.772."""
    values = np.random.default_rng(0).standard_normal((4000, arms))
    left, _, _ = np.linalg.svd(values - values.mean(axis=0), full_matrices=False)  # columns that do not depend on each other
    pairs = np.stack([left[:, a] - left[:, b] for a, b in combinations(range(arms), 2)], axis=1)
    assert critical_value(pairs) == pytest.approx(q / np.sqrt(2), abs=0.02)
