"""The whole objective: its gradient in the weights, with robust and nominal parts and each measure over scenarios."""

import numpy as np
import pytest
from scipy import sparse

from gemel.engines.optimise import MaxEUD, SquaredDeviation, SquaredOverdose
from gemel.engines.optimise.problem import curvature, evaluate
from gemel.engines.optimise.setup import build

OBJECTIVES = [
    SquaredDeviation(np.arange(10, 25), 6.0, 3.0),
    SquaredOverdose(np.arange(20), 4.0, robust=False),
    MaxEUD(np.arange(30, 40), 1.0, 4.0),
]


@pytest.fixture
def matrices():
    rng = np.random.default_rng(0)
    return [sparse.random_array((40, 6), density=0.6, format="csc", dtype=np.float32, rng=rng) for _ in range(3)]


@pytest.mark.parametrize("tail, temperature", [(1.0, 0.0), (0.0, 5.0), (0.5, 5.0)])
def test_gradient_in_the_weights_agrees_with_finite_differences(matrices, tail, temperature):
    problem = build(matrices[0], OBJECTIVES, [(m, p) for m, p in zip(matrices, (0.5, 0.3, 0.2))], tail_fraction=tail)
    weights = np.linspace(2.0, 5.0, 6)
    _, gradient, _ = evaluate(problem, weights, temperature=temperature)
    up, down = ([evaluate(problem, weights + s * e, temperature=temperature)[0] for e in np.eye(6)] for s in (1e-5, -1e-5))
    np.testing.assert_allclose(gradient, (np.array(up) - np.array(down)) / 2e-5, rtol=1e-6)


def test_curvature_is_the_diagonal_of_the_hessian_of_squares(matrices):
    problem = build(matrices[0], OBJECTIVES[:1], None, tail_fraction=1.0)
    rows = matrices[0].toarray()[10:25]
    np.testing.assert_allclose(curvature(problem), 2 * 3.0 / 15 * (rows**2).sum(axis=0), rtol=1e-5)


def test_only_judged_rows_are_held(matrices):
    problem = build(matrices[0], OBJECTIVES[:1], matrices, tail_fraction=1.0)
    assert [part.columns.n_rows for part in problem.parts] == [15, 15, 15]
    assert problem.nbytes == sum(8 * m.tocsr()[10:25].nnz + 8 * 7 for m in matrices)
