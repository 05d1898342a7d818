"""Fields under what is given: resection takes the densest cells, the drug goes on past it, alike draws are run once."""

import numpy as np
import pytest

from gemel.core.image import Image
from gemel.core.time import DAY_S
from gemel.systems.glioma.events import DRUG, FRACTION, RESECTION, Dated
from gemel.systems.glioma.field_course import advance, begin, course, past
from gemel.systems.glioma.field_runs import resected
from gemel.systems.glioma.ground import Ground
from gemel.systems.glioma.transport import WAY

SHAPE = (16, 16, 16)


@pytest.fixture
def on() -> Ground:
    ones = np.ones(SHAPE, dtype=np.float32)
    grid = Image(np.zeros(SHAPE, dtype=np.uint8), np.diag([2.0, 2.0, 2.0, 1.0]))
    return Ground(grid, ones, 0 * ones, (1e-4 * ones).astype(np.float32), np.zeros(0, np.float32))


def drawn(n: int) -> dict[str, np.ndarray]:
    one = {"rho_1_d": 0.03, "D_white_mm2_d": 0.2, "alpha_1_Gy": 0.05, "drug_kill_1": 0.2, "clearance_1_d": 0.05, WAY: 0.0}
    return {name: np.full(n, value) for name, value in one.items()}


def mean(u: np.ndarray) -> float:
    return float(u.mean(dtype=np.float64))


def test_a_resection_takes_the_densest_cells() -> None:
    cells = np.arange(1.0, 11.0).reshape(1, 1, 10)
    left = resected(cells, 0.5)
    assert left.sum() == pytest.approx(28.0)  # 10, 9, 8 of 55 are under a half
    assert (left[0, 0, :7] == cells[0, 0, :7]).all()


def test_growth_kill_and_resection_follow_each_other(on: Ground) -> None:
    """Thin cells: ln N = ρt − αd(1 + d/10) − kill, and the share that a resection leaves; a dose just before it acts on after it."""
    events = (Dated(5.5 * DAY_S, FRACTION, 2.0), Dated(8.99 * DAY_S, DRUG, 1.0), Dated(9.0 * DAY_S, RESECTION, 0.25))
    found = course(on, drawn(3), events, [3.0 * DAY_S, 21.0 * DAY_S], mean, dead=False)
    assert found.shape == (3, 2)
    assert np.log(found[0] / 1e-4) == pytest.approx([0.06, 0.6 - 0.12 - 0.2 + np.log(0.75)], abs=2e-3)
    assert (found == found[0]).all()


def test_the_state_remembers_what_was_given_and_nothing_twice() -> None:
    events = (Dated(2.0 * DAY_S, FRACTION, 2.0), Dated(3.0 * DAY_S, FRACTION, 3.0))
    state = advance(begin(2), events, 3.0 * DAY_S)
    assert past(state) == events[:1]
    state = advance(state, events, 4.0 * DAY_S)
    assert past(state) == events
    assert (state["dose_Gy"][0], state["start_s"][1]) == (5.0, 2.0 * DAY_S)
    assert state["brain_BED_Gy"][0] == pytest.approx(2 * 2 + 3 * 2.5)


def test_killed_cells_stay_visible_and_are_cleared(on: Ground) -> None:
    """Visible = living + Σ killed·e^(−λt), of fraction and drug; what is given does not show at once; a resection takes of both."""
    given = (Dated(5.0 * DAY_S, FRACTION, 2.0), Dated(7.0 * DAY_S, DRUG, 1.0), Dated(9.0 * DAY_S, RESECTION, 0.25))
    ages = [a * DAY_S for a in (5.0 - 1e-6, 5.0, 7.0 - 1e-6, 7.0, 9.0 - 1e-6, 9.0 + 1e-6, 30.0)]
    seen = course(on, drawn(1), given, ages, mean)[0] / 1e-4
    assert seen[0] == pytest.approx(seen[1], rel=1e-5)
    assert seen[2] == pytest.approx(seen[3], rel=1e-5)
    assert seen[5] == pytest.approx(0.75 * seen[4], rel=1e-3)  # whole voxels
    ln, left = -0.05 * 2 * 1.2, np.exp(-0.2)
    at5, at7 = np.exp(0.03 * 4), np.exp(0.03 * 6 + ln)
    dead = at5 * -np.expm1(ln) * np.exp(-0.05 * 25) + at7 * (1 - left) * np.exp(-0.05 * 23)
    assert seen[6] == pytest.approx(0.75 * (np.exp(0.03 * 29 + ln) * left + dead), rel=2e-3)


def test_what_happens_at_the_moment_of_a_resection_happens_once(on: Ground) -> None:
    events = (Dated(5.0 * DAY_S, FRACTION, 2.0), Dated(5.0 * DAY_S, RESECTION, 0.5), Dated(5.0 * DAY_S, DRUG, 1.0))
    found = course(on, drawn(1), events, [9.0 * DAY_S], mean, dead=False)[0, 0]
    assert np.log(found / 1e-4) == pytest.approx(0.03 * 8 - 0.12 - 0.2 + np.log(0.5), abs=2e-3)
