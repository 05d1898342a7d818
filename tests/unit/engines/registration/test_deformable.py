from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from gemel.core.errors import GeometryError, RangeError
from gemel.core.image import Image
from gemel.core.structures import dice
from gemel.engines.registration import (
    BasisFit,
    DisplacementField,
    Modes,
    Smoothness,
    deformable,
    exponential,
    fit_basis,
    jacobian,
    mean_motion,
    pull,
    pull_mask,
    velocity_covariance,
    zero_field,
)  # fmt: skip
from gemel.engines.registration.prior import velocity_prior

RATIO = 0.6  # amplitude of the filling mode: the sac shrinks to about half


@pytest.fixture(scope="module")
def truth(filling: DisplacementField) -> DisplacementField:
    """Filling, and beside it a motion that no mode describes."""
    x = np.arange(filling.shape[0])[:, None, None]
    bump = 4.0 * np.exp(-0.5 * ((x - 12) / 3) ** 2) * np.array([0.0, 1.0, 0.5])[:, None, None, None]
    bump = np.broadcast_to(np.moveaxis(bump, 0, -1), filling.vectors_mm.shape)
    return exponential(replace(filling, vectors_mm=(RATIO * filling.vectors_mm + bump).astype(np.float32)))


@pytest.fixture(scope="module")
def fit(day: Image, planning: Image, filling: DisplacementField) -> BasisFit:
    return fit_basis(day, planning, [filling], np.zeros(1), np.array([0.8]))


@pytest.fixture(scope="module")
def day(planning: Image, truth: DisplacementField, scan: Callable[..., Image]) -> Image:
    return scan(pull(planning, truth), np.random.default_rng(5), noise_HU=45.0)


def test_free_form_finds_the_sac_under_cup_noise_and_truncation(
    planning: Image, day: Image, grid: Image, sac: np.ndarray, truth: DisplacementField
) -> None:
    field = deformable(day, planning)
    wanted = pull_mask(sac, grid, truth)
    assert dice(sac, wanted) < 0.72
    assert dice(pull_mask(sac, grid, field), wanted) > 0.89
    assert jacobian(field).min() > 0


def test_nothing_moves_when_nothing_has_moved(planning: Image, scan: Callable[..., Image]) -> None:
    field = deformable(scan(planning, np.random.default_rng(6), noise_HU=5.0), planning)
    assert np.sqrt(np.mean(field.vectors_mm**2)) < 0.7


def test_contrast_and_offset_of_the_fixed_image_do_not_matter(planning: Image, day: Image) -> None:
    other = replace(day, array=np.where(day.array > -1024, 0.8 * day.array + 30, -1024).astype(np.float32))
    difference = deformable(day, planning).vectors_mm - deformable(other, planning).vectors_mm
    assert np.sqrt(np.mean(difference**2)) < 0.15


def test_a_start_is_composed_with_what_is_found(planning: Image, day: Image, filling: DisplacementField) -> None:
    start = exponential(replace(filling, vectors_mm=np.float32(RATIO) * filling.vectors_mm))
    field = deformable(day, planning, start=start, mobility=np.zeros(planning.shape, np.float32))
    np.testing.assert_allclose(field.vectors_mm, start.vectors_mm, atol=1e-3)


def test_what_may_not_move_does_not(planning: Image, day: Image) -> None:
    held = np.ones(planning.shape, np.float32)
    held[:, :, :14] = 0
    field = deformable(day, planning, mobility=held)
    assert np.abs(field.vectors_mm[:, :, :6]).max() < 1e-3 < np.abs(field.vectors_mm[:, :, 9:]).max()


def test_a_mode_is_measured_beside_motion_that_no_mode_describes(
    fit: BasisFit, grid: Image, sac: np.ndarray, truth: DisplacementField
) -> None:
    sd = np.sqrt(fit.covariance[0, 0])
    assert abs(fit.coefficients[0] - RATIO) < 3 * sd
    assert sd < 0.25  # of the prior's 0.8
    assert dice(pull_mask(sac, grid, fit.field), pull_mask(sac, grid, truth)) > 0.90
    assert fit.similarity > 0.8


@pytest.mark.full
def test_stated_errors_match_errors_over_draws_of_motion_and_noise(
    planning: Image, scan: Callable[..., Image], filling: DisplacementField
) -> None:
    modes = Modes((filling,), np.zeros(1), np.array([0.4]))
    prior, scores = velocity_prior(planning, Smoothness(2.0, 30.0), modes=modes), []
    for seed in range(12):
        rng = np.random.default_rng(100 + seed)
        unit = rng.standard_normal(prior.size).astype(np.float32)
        day = pull(planning, exponential(replace(filling, vectors_mm=prior.root(unit))))
        fit = fit_basis(scan(day, rng), planning, [filling], np.zeros(1), np.array([0.4]), smoothness=Smoothness(2.0, 30.0))
        scores.append((fit.coefficients[0] - 0.4 * unit[0]) / np.sqrt(fit.covariance[0, 0]))
    assert 0.5 < np.sqrt(np.mean(np.square(scores))) < 1.6


def test_the_random_prior_has_the_stated_spread_and_its_adjoint(grid: Image, filling: DisplacementField) -> None:
    prior = velocity_prior(grid, Smoothness(sd_mm=3.0, length_mm=20.0), modes=Modes((filling,), np.zeros(1), np.ones(1)))
    rng = np.random.default_rng(8)
    draws = np.stack([prior.root(np.r_[0.0, rng.standard_normal(prior.size - 1)].astype(np.float32))[12, 10, 7] for _ in range(300)])
    np.testing.assert_allclose(draws.std(), 3.0, rtol=0.08)
    unit, v = rng.standard_normal(prior.size).astype(np.float32), rng.standard_normal(prior.centre.shape).astype(np.float32)
    assert np.vdot(prior.root(unit), v) == pytest.approx(np.vdot(unit, prior.transpose(v)), rel=1e-3)


def test_where_nothing_is_seen_the_answer_is_as_wide_as_the_prior(fit: BasisFit) -> None:
    corner, middle = np.zeros((2, *fit.deformation.prior.centre.shape), np.float32)
    corner[1, 1, 9, 0] = middle[12, 10, 7, 2] = 1.0
    (unseen, _), (_, seen) = velocity_covariance(fit.deformation, [corner, middle])
    prior = [fit.deformation.prior.transpose(w) for w in (corner, middle)]
    assert unseen == pytest.approx(float(np.vdot(prior[0], prior[0])), rel=0.1)
    assert seen < 0.5 * float(np.vdot(prior[1], prior[1]))


def test_the_mean_motion_of_a_region_lies_within_its_stated_error(
    fit: BasisFit, grid: Image, sac: np.ndarray, truth: DisplacementField
) -> None:
    seen = pull_mask(sac, grid, truth)
    index = np.argwhere(seen[::2, ::2, ::2])
    true_mm = truth.vectors_mm[tuple(index.T)].mean(axis=0)
    mean_mm, covariance = mean_motion(fit.deformation, seen, grid)
    error = mean_mm - true_mm
    assert error @ np.linalg.solve(covariance, error) < 16.3  # 99.9 % of chi squared with 3 degrees
    assert np.sqrt(np.diag(covariance)).max() < 1.5


def test_images_of_two_grids_and_modes_without_priors_are_refused(planning: Image, filling: DisplacementField) -> None:
    with pytest.raises(GeometryError, match="two grids"):
        deformable(Image(planning.array[1:].copy(), planning.affine_mm), planning)
    with pytest.raises(RangeError, match="2 modes with 1 means"):
        fit_basis(planning, planning, [filling] * 2, np.zeros(1), np.ones(1))
    assert zero_field(planning, 2).shape == filling.shape
