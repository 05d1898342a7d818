"""From localisers alone: size and place of an ellipse are found again, and d' within what is said; what does not fit is refused."""

from dataclasses import replace

import numpy as np
import pytest

from gemel.core.errors import GeometryError, IdentityError, InputError
from gemel.core.image import Array
from gemel.core.radiograph import Radiograph
from gemel.devices.ct import Protocol, Task, generic, slice_model, trace, water_ellipse_HU
from gemel.devices.ct.localised import DENSE, DOUBT, ellipse
from tests.unit.io.localisers import localisers

SCANNER = generic()
Z_MM = np.arange(10) * 20.0
SIZES = [(32 + 0.6 * k, 23 + 0.4 * k) for k in range(10)]


def slices(shift: tuple[int, int] = (0, 0)) -> list[Array]:
    return [np.roll(water_ellipse_HU(a, b), shift, (0, 1)) for a, b in SIZES]


def body(a_cm: float) -> Array:
    """Fat, muscle, spine and hips."""
    axis = (np.arange(200) - 99.5) * 3.0
    x, y = np.meshgrid(axis / (5 * a_cm), axis / (3.6 * a_cm), indexing="ij")
    hu = np.where(x**2 + y**2 <= 1, -100.0, -1000.0)
    hu = np.where((x / 0.87) ** 2 + (y / 0.87) ** 2 <= 1, 50.0, hu)
    for cx, cy, rx, ry in ((0.0, 0.55, 0.12, 0.16), (0.55, 0.1, 0.1, 0.16), (-0.55, 0.1, 0.1, 0.16)):
        hu = np.where(((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 <= 1, 400.0, hu)
    return np.asarray(hu)


@pytest.fixture(scope="module")
def pair() -> tuple[Radiograph, Radiograph]:
    return localisers(slices((6, -4)), (3.0, 3.0), Z_MM, SCANNER)


def test_an_ellipse_of_water_is_found_again_with_its_place(pair: tuple[Radiograph, Radiograph]) -> None:
    found = ellipse(pair, SCANNER, z_mm=100.0)
    a, b = SIZES[5]
    assert (found.a_cm, found.b_cm) == pytest.approx((a * np.sqrt(DENSE), b * np.sqrt(DENSE)), rel=0.03)
    assert found.a_cm / found.b_cm == pytest.approx(a / b, rel=0.015)
    assert found.middle_mm == pytest.approx((18.0, -12.0), abs=1.5)
    assert found.isocentre_mm == (0.0, 0.0)


def test_a_scale_from_a_phantom_gives_the_water_itself() -> None:
    a, b = SIZES[5]
    pair = localisers(slices(), (3.0, 3.0), Z_MM, SCANNER, as_water=True)
    both, one = (ellipse(of, SCANNER, z_mm=100.0, water_per_unit=1.0) for of in (pair, pair[:1]))
    assert np.sqrt(both.a_cm * both.b_cm) == pytest.approx(np.sqrt(a * b), rel=0.01)
    assert np.sqrt(one.a_cm * one.b_cm) == pytest.approx(np.sqrt(a * b), rel=0.015)
    assert one.sd_ln_dprime > both.sd_ln_dprime


@pytest.mark.parametrize("a_cm", [24.0, 38.0])
def test_detectability_is_that_of_the_body_within_the_doubt(a_cm: float) -> None:
    bodies = [body(a_cm * (1 + 0.02 * np.sin(k))) for k in range(10)]
    both = localisers(bodies, (3.0, 3.0), Z_MM, SCANNER)
    protocol, task = Protocol(120.0, 200.0), Task(6.0, contrast_HU=-25.0)
    truth = slice_model(trace(bodies[5], (3.0, 3.0), SCANNER), SCANNER, protocol=protocol, task=task).detectability
    for of in (both, both[:1], both[1:]):
        found = ellipse(of, SCANNER, z_mm=100.0)
        water = trace(water_ellipse_HU(found.a_cm, found.b_cm), (3.0, 3.0), SCANNER)
        d = slice_model(water, SCANNER, protocol=protocol, task=task).detectability
        assert abs(np.log(d / truth)) < DOUBT[len(of)]


def test_localisers_of_another_body_do_not_agree(pair: tuple[Radiograph, Radiograph]) -> None:
    other = replace(pair[1], values=pair[1].values[:, ::-1] * np.linspace(1.4, 0.7, 10))
    with pytest.raises(IdentityError, match="attenuate differently"):
        ellipse((pair[0], other), SCANNER)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda front, side: ((front, front), None), "2 localisers"),
        (lambda front, side: ((), None), "none"),
        (lambda front, side: ((replace(front, values=-front.values), side), None), "not brighter"),
        (lambda front, side: ((front, replace(side, z_mm=side.z_mm + 150.0)), None), "rows that show the body"),
        (lambda front, side: ((front, side), 400.0), "no body"),
        (lambda front, side: ((replace(front, values=front.values[60:190], u_mm=front.u_mm[60:190]), side), None), "cuts off"),
    ],
    ids=["twice the same side", "none", "inverted", "another part", "another height", "cut off"],
)
def test_what_does_not_show_the_body_is_refused(pair: tuple[Radiograph, Radiograph], change, words: str) -> None:
    given, z_mm = change(*pair)
    with pytest.raises((GeometryError, InputError), match=words):
        ellipse(given, SCANNER, z_mm=z_mm)


def test_values_and_axes_that_cannot_be_are_refused() -> None:
    with pytest.raises(GeometryError, match="finite"):
        Radiograph(np.full((2, 4), np.nan), np.arange(2.0), np.arange(4.0), True, 0.0)
    with pytest.raises(GeometryError, match="rise"):
        Radiograph(np.zeros((2, 2)), np.array([1.0, 0.0]), np.arange(2.0), True, 0.0)
