"""What an MRI would show of a state: cells, volume, axis and parts of known shapes; fields of rates and parts of a tumour."""

from dataclasses import replace

import numpy as np
import pytest

from gemel.systems.breast.body import Body
from gemel.systems.breast.modes import SPREAD_1, modes
from gemel.systems.breast.regions import regions
from gemel.systems.breast.seen import CLEAR, FAINT, FLOOR, cells, ln_cells, ln_volume, longest_axis_mm, outlined, shares, volume_mL

SPACING_mm = np.array([2.0, 2.0, 3.0])


def block() -> Body:
    """A box of 6 × 10 × 4 voxels filled to 0.8 within a larger one."""
    mask = np.ones((16, 16, 10), bool)
    inside = np.zeros_like(mask)
    inside[5:11, 3:13, 3:7] = True
    n = mask.size
    return Body(
        mask, SPACING_mm, np.where(inside, 0.8, 0.0)[mask].astype(np.float32), np.ones(n, np.float32), modes(mask, inside, SPACING_mm, 3),
        regions(mask, inside, SPACING_mm, 4), 4, np.zeros((0, n), np.float32), np.zeros((0, 6, n), np.float32), 0.0, (),
    )  # fmt: skip


def test_a_block_as_it_is() -> None:
    body = block()
    density = body.density[None]
    assert cells(body, density)[0] == pytest.approx(0.8 * 240)
    assert volume_mL(body, density)[0] == pytest.approx(240 * 12.0 / 1000)
    diagonal = np.linalg.norm(np.array([5, 9, 3]) * SPACING_mm) + 3.0
    assert longest_axis_mm(body, density)[0] == pytest.approx(diagonal)
    state = {"density": density, "t_s": np.zeros(1)}
    assert ln_cells(body, state, {})[0, 0] == pytest.approx(np.log(1 + FLOOR))
    assert ln_volume(body, {"density": 0 * density}, {})[0, 0] == pytest.approx(np.log(FLOOR))
    share = shares(body, state, {})[0]
    assert share.sum() == pytest.approx(1.0)
    assert share.min() > 0.1
    np.testing.assert_allclose(shares(body, {"density": 0 * density}, {})[0], 0.25)
    assert longest_axis_mm(body, 0 * density)[0] == 0


def test_what_is_faint_is_not_outlined() -> None:
    np.testing.assert_allclose(outlined(np.array([0.0, FAINT, (FAINT + CLEAR) / 2, CLEAR, 1.0])), [0, 0, 0.5, 1, 1], atol=1e-12)


def test_longest_axis_of_random_clouds_is_that_of_all_pairs() -> None:
    from scipy.spatial.distance import pdist

    body, rng = block(), np.random.default_rng(5)
    for _ in range(5):
        density = np.where(rng.random(body.mask.size) > 0.99, 0.9, 0.0)[None]
        points = np.argwhere(body.mask)[density[0] > 0] * SPACING_mm
        assert longest_axis_mm(body, density)[0] == pytest.approx(pdist(points).max() + 3.0, rel=0.01)


def test_modes_are_the_covariance_cut() -> None:
    """Many modes give back τ² exp(−r²/2l²) less its mean; three hold more than half of it; none has a mean over the tumour."""
    body = block()
    inside = body.density > 0
    field = np.zeros(body.mask.shape, bool)
    field[body.mask] = inside
    many = modes(body.mask, field, SPACING_mm, 60)[:, inside].astype(np.float64)
    x = np.argwhere(field) * SPACING_mm
    length = float(np.ptp(x, axis=0).max()) / 3
    kernel = np.exp(-0.5 * ((x[:, None] - x[None]) ** 2).sum(-1) / length**2)
    centred = kernel - kernel.mean(0) - kernel.mean(1)[:, None] + kernel.mean()
    np.testing.assert_allclose(many.T @ many, SPREAD_1**2 * centred, atol=0.003)
    few = modes(body.mask, field, SPACING_mm, 3)[:, inside]
    assert float(np.square(few).sum() / np.square(many).sum()) > 0.5
    np.testing.assert_allclose(few.mean(axis=1), 0.0, atol=1e-6)


def test_parts_are_compact_and_alike_in_size() -> None:
    body = block()
    sizes = np.bincount(body.part[body.density > 0], minlength=4)
    assert sizes.min() > 0.5 * sizes.max()
    again = regions(body.mask, (body.density > 0).reshape(body.mask.shape), SPACING_mm, 4)
    np.testing.assert_array_equal(again, body.part)


def test_a_body_says_whether_it_is_coupled() -> None:
    body = block()
    assert not body.coupled
    n = body.mask.size
    assert replace(body, stress_basis=np.ones((1, n), np.float32), stress_kPa=np.ones((1, 6, n), np.float32)).coupled
