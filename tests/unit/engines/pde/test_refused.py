"""What cannot be computed is refused in one line, and what is given in another form is taken as it is."""

import sys
from collections.abc import Callable, Iterator
from typing import Any

import jaxtyping
import numpy as np
import pytest

from gemel.core.errors import GemelError, GeometryError, InputError, RangeError
from gemel.core.image import Array
from gemel.engines import pde

SHAPE = (5, 4, 3)
U0 = np.random.default_rng(4).random(SHAPE) * 0.3 + 0.05
MASK = np.ones(SHAPE, dtype=bool)
NO_NUMBERS = ["x", "", True, 1j, {}, object(), [[1, 2], [3]], np.array(["1"]), np.datetime64("now"), np.ma.masked]


@pytest.fixture(autouse=True)
def unchecked() -> Iterator[None]:
    """As outside the tests: signatures are not checked at run time."""
    before = jaxtyping.config.jaxtyping_disable
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", before)


def run(**other: Any) -> Any:
    asked: dict[str, Any] = {"u0": U0, "mask": MASK, "spacing_mm": 1.0, "diffusivity_mm2_d": 0.1, "reaction": None, "t_days": [5.0]}
    return pde.solve(**asked | other)


def after(event: Any) -> Any:
    return run(events=[event])


CALLS: dict[str, Callable[[Any], Any]] = {
    "u0": lambda x: run(u0=x),
    "mask": lambda x: run(mask=x),
    "spacing": lambda x: run(spacing_mm=x),
    "diffusivity": lambda x: run(diffusivity_mm2_d=x),
    "reaction": lambda x: run(reaction=x),
    "times": lambda x: run(t_days=x),
    "step": lambda x: run(dt_days=x),
    "order": lambda x: run(order=str(x)),
    "events": lambda x: run(events=x),
    "event": after,
    "survival": lambda x: after(pde.Event(1.0, x)),
    "added": lambda x: after(pde.Event(1.0, 1.0, x)),
    "date": lambda x: after(pde.Event(x)),
    "doses": lambda x: after(pde.Exposure(x, (1.0,), 9.0)),
    "amount": lambda x: after(pde.Exposure((1.0,), x, 9.0)),
    "decay": lambda x: after(pde.Exposure((1.0,), (1.0,), x)),
    "sensitivity": lambda x: after(pde.Exposure((1.0,), (1.0,), 9.0, x)),
    "dose": lambda x: pde.linear_quadratic(1.0, x, 0.1, 0.01),
    "alpha": lambda x: pde.linear_quadratic(1.0, 2.0, x, 0.01),
    "k": lambda x: pde.logistic(x),
    "capacity": lambda x: pde.logistic(0.1, x),
    "gompertz": lambda x: pde.gompertz(x),
    "exponential": lambda x: pde.exponential(x),
    "stable step": lambda x: pde.stable_step(MASK, 1.0, x),
    "regions": lambda x: pde.by_region(MASK.astype(int), {1: x}),
    "arithmetic": lambda x: pde.arithmetic_faces(x),
    "all regions": lambda x: pde.by_region(MASK.astype(int), x),
    "implicit diffusivity": lambda x: pde.solve_implicit(U0, MASK, 1.0, x, None, [1.0]),
    "implicit step": lambda x: pde.solve_implicit(U0, MASK, 1.0, 0.1, None, [1.0], dt_days=x),
    "implicit tolerance": lambda x: pde.solve_implicit(U0, MASK, 1.0, 0.1, None, [1.0], tolerance=x),
    "draw": lambda x: pde.solve_many(U0, MASK, 1.0, 0.1, [x], [1.0], np.sum),
    "kept": lambda x: pde.solve_many(U0, MASK, 1.0, 0.1, [pde.Draw(pde.logistic(0.1))], [1.0], x if x != x else "x"),
    "scale": lambda x: pde.solve_many(U0, MASK, 1.0, 0.1, [pde.Draw(pde.logistic(0.1), x)], [1.0], np.sum),
    "misfit": lambda x: pde.gradient(U0, MASK, 1.0, 0.1, None, [1.0], lambda u: x),
    "cotangent": lambda x: pde.gradient(U0, MASK, 1.0, 0.1, None, [1.0], x),
    "memory": lambda x: pde.gradient(U0, MASK, 1.0, 0.1, None, [1.0], U0[None], memory_MB=x),
}


@pytest.mark.parametrize("name", CALLS)
def test_what_is_no_number_is_refused_in_one_line(name: str) -> None:
    for value in NO_NUMBERS:
        if (name, value) == ("all regions", {}) or (name == "events" and value == ""):
            continue
        with pytest.raises(GemelError) as refused:
            CALLS[name](value)
        assert "\n" not in str(refused.value)
        assert refused.value.where


def holed(outside: float) -> tuple[Array, Array]:
    hole = MASK.copy()
    hole[2, 2, 1] = False
    return hole, np.where(hole, U0, outside)


@pytest.mark.parametrize("outside", [np.nan, -1.0, 1e9])
def test_what_is_outside_the_mask_does_not_matter(outside: float) -> None:
    hole, field = holed(outside)
    found = run(u0=field, mask=hole, diffusivity_mm2_d=field, reaction=pde.logistic(0.02))
    assert np.array_equal(found, run(u0=U0, mask=hole, diffusivity_mm2_d=U0, reaction=pde.logistic(0.02)))
    with pytest.raises(RangeError):
        run(u0=np.where(hole, U0, np.nan))


@pytest.mark.parametrize(
    "form", [np.asfortranarray, lambda u: u.astype(">f8"), lambda u: np.repeat(u, 2, axis=1)[:, ::2], lambda u: u.tolist()]
)
def test_another_form_is_the_same_field(form: Callable[[Array], Any]) -> None:
    """In memory, of bytes, as lists: in double precision, to the last bit."""
    found = run(u0=form(U0), mask=MASK.astype(int).tolist(), spacing_mm=[1, 1, 1], diffusivity_mm2_d=form(U0), t_days=5)
    assert found.dtype == np.float64
    assert np.array_equal(found, run(diffusivity_mm2_d=U0))


def test_a_mask_handed_over_as_the_start() -> None:
    assert np.array_equal(run(u0=MASK), np.ones((1, *SHAPE), dtype=np.float32))


def test_no_tensor_moves_nothing() -> None:
    assert np.array_equal(run(diffusivity_mm2_d=np.zeros((3, 3)))[0], U0)
    assert np.array_equal(run(diffusivity_mm2_d=np.zeros((*SHAPE, 6)))[0], U0)


def test_too_many_steps_are_refused_before_they_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """µm² for mm²: here 10³ steps where 10² are allowed."""
    monkeypatch.setattr(sys.modules["gemel.engines.pde.solve"], "MOST_STEPS", 1e2)
    assert run(diffusivity_mm2_d=1.0).shape == (1, *SHAPE)
    with pytest.raises(RangeError, match=r"steps .*units"):
        run(diffusivity_mm2_d=30.0)


def test_no_event_takes_more_than_there_is() -> None:
    with pytest.raises(RangeError, match="more than there is"):
        after(pde.Event(1.0, 1.0, -0.5))
    assert after(pde.Event(1.0, 1.0, -0.01)).sum() == pytest.approx(U0.sum() - 0.01 * U0.size, rel=1e-6)


def test_maps_of_species_are_refused_where_there_is_one() -> None:
    with pytest.raises(GeometryError, match="survival"):
        after(pde.Event(1.0, U0[None]))


def test_only_fields_have_arithmetic_faces() -> None:
    with pytest.raises(GeometryError, match="field"):
        pde.arithmetic_faces(np.ones(3))


def test_tensors_have_no_implicit_steps() -> None:
    with pytest.raises(InputError, match="tensor"):
        pde.solve_implicit(U0, MASK, 1.0, np.eye(3), None, [1.0])
