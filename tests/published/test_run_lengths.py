"""Run lengths of control charts against published tables."""

import pytest

from gemel.engines.inference.charts import arl, limit_for, siegmund

SHIFTS = (0.0, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0)
TABLE = {  # Montgomery 2013, Statistical Quality Control, 7th ed., tables 9.4 and 9.11; Lucas & Saccucci 1990, Technometrics 32:1, table 3
    ("ewma", 0.05, 2.615): (499.9, 84.0, 28.8, 11.4, 7.11, 5.22, 3.50),
    ("ewma", 0.1, 2.814): (499.6, 106.0, 31.3, 10.3, 6.08, 4.36, 2.87),
    ("ewma", 0.2, 2.962): (499.7, 150.0, 41.8, 10.5, 5.50, 3.74, 2.38),
    ("ewma", 0.4, 3.054): (499.9, 224.0, 71.2, 14.3, 5.87, 3.52, 2.02),
    ("cusum", 0.5, 4.0): (167.7, 74.2, 26.6, 8.38, 4.75, 3.34, 2.19),
    ("cusum", 0.5, 4.77): (368.6, 121.0, 35.2, 9.92, 5.52, 3.86, 2.48),
    ("cusum", 0.5, 5.0): (465.4, 139.0, 38.0, 10.38, 5.75, 4.01, 2.57),
}


@pytest.mark.parametrize(("kind", "weight", "limit"), TABLE)
def test_run_lengths_agree_with_the_table_to_half_a_per_cent(kind: str, weight: float, limit: float) -> None:
    params = {"lam": weight, "limit": limit} if kind == "ewma" else {"k": weight, "h": limit}
    found = [arl(kind, shift=shift, **params) for shift in SHIFTS]
    assert found == pytest.approx(TABLE[kind, weight, limit], rel=5e-3)


def test_shewhart_at_three_sigma() -> None:
    found = [arl("shewhart", shift=shift, limit=3.0) for shift in (0.0, 0.5, 1.0, 1.5, 2.0, 3.0)]
    assert found == pytest.approx([370.40, 155.22, 43.89, 14.97, 6.30, 2.00], rel=1e-3)


@pytest.mark.parametrize(("h", "one_sided"), [(4.0, 335.4), (5.0, 930.9)])
def test_siegmunds_approximation_is_within_two_per_cent_of_one_side(h: float, one_sided: float) -> None:
    assert 2 * arl("cusum", k=0.5, h=h) == pytest.approx(one_sided, rel=1e-3)
    assert siegmund(0.5, h) == pytest.approx(one_sided, rel=0.02)


@pytest.mark.parametrize(
    ("kind", "arl0", "params", "limit"),
    [("ewma", 500.0, {"lam": 0.2}, 2.962), ("cusum", 465.4, {"k": 0.5}, 5.0), ("shewhart", 370.4, {}, 3.0)],
)
def test_the_limit_of_a_run_length(kind: str, arl0: float, params: dict[str, float], limit: float) -> None:
    assert limit_for(kind, arl0, **params) == pytest.approx(limit, abs=2e-3)
