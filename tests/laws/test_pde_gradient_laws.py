"""Laws of the way back: central differences, transposition, dates, and what cannot be asked."""

from typing import Any

import numpy as np
import pytest
from numba import njit

from gemel.core.errors import GeometryError, InputError
from gemel.core.image import Array
from gemel.engines import pde

SHAPE, SPACING = (7, 6, 5), (1.0, 0.8, 1.3)
RNG = np.random.default_rng(3)
MASK = RNG.random(SHAPE) < 0.85
U0, DOSE, WEIGHT, ALONG = RNG.random(SHAPE) * 0.3 + 0.1, RNG.random(SHAPE) * 2, RNG.random((7, *SHAPE)), RNG.standard_normal(SHAPE) * 0.1
FIELDS: dict[str, Any] = {
    "u": U0,
    "D": 0.1 + RNG.random(SHAPE) * 0.3,
    "k": 0.05 + 0.1 * RNG.random(SHAPE),
    "capacity": 0.9,
    "alpha": 0.1,
    "beta": 0.02,
    "sensitivity": 0.5 * RNG.random(SHAPE),
    "amount": 0.8,
    "decay": 3.0,
}
NUMBERS = FIELDS | {"D": 0.2, "k": 0.1, "sensitivity": 0.4}


def misfit(u: Array) -> tuple[float, Array]:
    """Σ w u² over all times."""
    weight = WEIGHT[: len(u)]
    return float((weight * u**2).sum()), 2 * weight * u


def asked(of: dict[str, Any], times: list[float]) -> tuple[tuple[Any, ...], list[pde.Event | pde.Exposure]]:
    """Radiation and a drug, neither on the dates of the outputs."""
    fractions = [pde.linear_quadratic(t, DOSE, of["alpha"], of["beta"]) for t in (2.03, 4.5)]
    drug = pde.Exposure((1.1, 5.2), (of["amount"], 0.7), of["decay"], of["sensitivity"])
    return (of["u"], MASK, SPACING, of["D"], pde.logistic(of["k"], of["capacity"]), times), [drug, *fractions, pde.Event(6.0, 0.8, 0.01)]


def value(of: dict[str, Any], times: list[float], **how: Any) -> float:
    problem, events = asked(of, times)
    return misfit(pde.solve(*problem, events, **how))[0]


def parts(found: pde.Gradient) -> dict[str, Any]:
    alpha, beta = found.along_events()
    drug = found.exposures[0]
    return {
        "u": found.u0,
        "D": found.diffusivity_mm2_d,
        "k": found.k_1_d,
        "capacity": found.capacity,
        "alpha": alpha,
        "beta": beta,
        "sensitivity": drug.sensitivity,
        "amount": drug.amount[0],
        "decay": drug.decay_1_d,
    }


@pytest.mark.parametrize("times", [[11.0], [3.3, 7.0, 11.0], [0.0, 1.1, 2.03, 5.0, 6.0, 9.9, 11.0]])
@pytest.mark.parametrize("of", [FIELDS, NUMBERS], ids=["fields", "numbers"])
def test_every_derivative_is_that_of_central_differences(of: dict[str, Any], times: list[float]) -> None:
    """1e-6, with radiation, a drug and any number of output times; TumorTwin's is 6 to 20 % low there."""
    problem, events = asked(of, times)
    found_value, found = pde.gradient(*problem, misfit, events)
    assert found_value == pytest.approx(value(of, times), rel=1e-14)
    for name, by in parts(found).items():
        direction, h = (ALONG, 1e-4) if np.ndim(by) else (1.0, 1e-5)
        central = (value(of | {name: of[name] + h * direction}, times) - value(of | {name: of[name] - h * direction}, times)) / (2 * h)
        assert float(np.sum(by * direction)) == pytest.approx(central, rel=1e-6), name


@pytest.mark.parametrize("order", [1, 2, 3])
def test_what_is_linear_has_its_transpose(order: int) -> None:
    """⟨w, A u⟩ = ⟨Aᵀw, u⟩ to 1e-12 through steps, doses and a drug: exponential growth is linear in u₀."""
    problem, events = asked(FIELDS, [3.3, 11.0])
    linear = (*problem[:4], pde.exponential(FIELDS["k"]), problem[5])
    bare = [*events[:3], pde.Event(6.0, 0.8)]
    ahead = float((WEIGHT[:2] * pde.solve(*linear, bare, order=order)).sum())
    back_value, back = pde.gradient(*linear, WEIGHT[:2], bare, order=order)
    assert back_value == pytest.approx(ahead, rel=1e-13)
    assert float((back.u0 * U0 * MASK).sum()) == pytest.approx(ahead, rel=1e-12)


def test_more_output_times_change_no_derivative() -> None:
    """Of the same misfit at the end, when they fall on the same steps."""
    reaction, drug = pde.logistic(0.1), [pde.Exposure((2.0,), (1.0,), 4.0, 0.3), pde.linear_quadratic(4.0, DOSE, 0.1, 0.01)]
    last = np.zeros((5, *SHAPE))
    last[-1] = WEIGHT[0]
    once = pde.gradient(U0, MASK, SPACING, 0.2, reaction, [8.0], WEIGHT[:1], drug, 0.5)[1]
    often = pde.gradient(U0, MASK, SPACING, 0.2, reaction, [0.0, 1.0, 2.0, 5.0, 8.0], last, drug, 0.5)[1]
    np.testing.assert_allclose(often.u0, once.u0, rtol=1e-11)
    assert often.k_1_d == pytest.approx(once.k_1_d, rel=1e-12)
    assert often.along_events() == pytest.approx(once.along_events(), rel=1e-12)


def test_events_are_answered_in_the_order_they_were_given() -> None:
    """Also the same one twice, and two of one date: by ln S and by what was added, as maps and as numbers."""
    late, early, by_map = pde.Event(6.0, 0.8, 0.01), pde.Event(2.0, 0.9), pde.Event(2.0, 0.5 + 0.2 * DOSE, 0.01 * DOSE)
    given = [late, early, by_map, early]

    def run(events: list[pde.Event]) -> tuple[float, pde.Gradient]:
        return pde.gradient(U0, MASK, SPACING, 0.2, pde.logistic(0.1), [8.0], misfit, events)

    found = run(given)[1].events
    h = 1e-5
    for place, event in enumerate(given):
        direction = ALONG if np.ndim(event.survival) else 1.0
        for part, grown in (
            ("log_survival", lambda e, d: (e.survival * np.exp(d), e.added)),
            ("added", lambda e, d: (e.survival, e.added + d)),
        ):
            ends = []
            for sign in (h, -h):
                survival, added = grown(event, sign * direction)
                ends.append(run([*given[:place], pde.Event(event.t_days, survival, added), *given[place + 1 :]])[0])
            by = float(np.sum(getattr(found[place], part) * direction * (MASK if np.ndim(direction) else 1.0)))
            assert by == pytest.approx((ends[0] - ends[1]) / (2 * h), rel=1e-6), (place, part)


def test_by_region_and_in_single_precision() -> None:
    """One diffusivity a region: the sums over the regions; float32 to 1e-4 of float64."""
    labels = (np.indices(SHAPE)[0] > 3).astype(int)

    def run(values: dict[int, float], dtype: type = np.float64) -> tuple[float, pde.Gradient]:
        problem = (U0.astype(dtype), MASK, SPACING, pde.by_region(labels, values), pde.logistic(0.1), [9.0])
        return pde.gradient(*problem, misfit)

    found = run({0: 0.3, 1: 0.06})[1]
    by = pde.total_by_region(labels, found.diffusivity_mm2_d)
    central = (run({0: 0.3, 1: 0.06 + 1e-5})[0] - run({0: 0.3, 1: 0.06 - 1e-5})[0]) / 2e-5
    assert by[1] == pytest.approx(central, rel=1e-6)
    single = run({0: 0.3, 1: 0.06}, np.float32)[1]
    assert single.u0.dtype == np.float32
    np.testing.assert_allclose(single.u0, found.u0, rtol=1e-4)
    np.testing.assert_allclose(single.diffusivity_mm2_d, found.diffusivity_mm2_d, atol=1e-4 * np.abs(found.diffusivity_mm2_d).max())


def test_gompertz() -> None:
    """By k and K of Gompertz' growth."""

    def grown(k: float, full: float) -> float:
        return misfit(pde.solve(U0, MASK, SPACING, 0.2, pde.gompertz(k, full), [5.0], dt_days=0.25))[0]

    found = pde.gradient(U0, MASK, SPACING, 0.2, pde.gompertz(0.1, 0.9), [5.0], misfit, dt_days=0.25)[1]
    assert found.k_1_d == pytest.approx((grown(0.1 + 1e-5, 0.9) - grown(0.1 - 1e-5, 0.9)) / 2e-5, rel=1e-6)
    assert found.capacity == pytest.approx((grown(0.1, 0.9 + 1e-5) - grown(0.1, 0.9 - 1e-5)) / 2e-5, rel=1e-6)


@pytest.mark.full
def test_a_reaction_handed_in() -> None:
    """Logistic growth written by hand, with its slope, is that which is built in."""

    @njit
    def rate(u, p, f):  # type: ignore[no-untyped-def]
        return p[0] * u * (1 - u / p[1])

    @njit
    def slope(u, p, f):  # type: ignore[no-untyped-def]
        return p[0] * (1 - 2 * u / p[1]), (u * (1 - u / p[1]), p[0] * u * u / p[1] ** 2)

    by_hand = pde.Reaction(rate, (0.1, 0.9), lambda most: 0.2, slope=slope)
    found = [pde.gradient(U0, MASK, SPACING, 0.2, r, [5.0], misfit, dt_days=0.25)[1] for r in (by_hand, pde.logistic(0.1, 0.9))]
    np.testing.assert_allclose(found[0].u0, found[1].u0, rtol=1e-12)
    assert found[0].parameters == pytest.approx((found[1].k_1_d, found[1].capacity), rel=1e-12)


def test_what_has_no_way_back() -> None:
    @njit
    def rate(u, p, f):  # type: ignore[no-untyped-def]
        return -u

    bare = pde.Reaction(rate, (0.1,), lambda most: 1.0)
    with pytest.raises(InputError, match="slope"):
        pde.gradient(U0, MASK, SPACING, 0.2, bare, [1.0], misfit)
    with pytest.raises(InputError, match="tensor"):
        pde.gradient(U0, MASK, SPACING, 0.2 * np.eye(3), None, [1.0], misfit)
    with pytest.raises(GeometryError, match="cotangent"):
        pde.gradient(U0, MASK, SPACING, 0.2, None, [1.0], WEIGHT[:2])
