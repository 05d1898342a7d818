"""The smoothest field between prescribed values: Laplace's equation with hard or soft prescriptions on a voxel grid."""

import numpy as np
from jaxtyping import Bool, Float
from scipy.sparse import csr_array, diags_array

from gemel.core.errors import GemelError, InputError
from gemel.core.image import Array

HARD = 1e6
"""Stiffness of an exact (Dirichlet) value in units of 1/h²: the value is met to about 1e-6."""


def smoothest(
    target: Float[Array, "n x y z"], stiffness_1_mm2: Float[Array, "x y z"], spacing_mm: Float[Array, "3"], *, tolerance: float = 1e-5
) -> Float[Array, "n x y z"]:
    """Components u that minimise ∫|∇u|² + κ(u − target)², i.e. κu − ∇²u = κ·target, with no flux through the faces of the grid.

    κ = stiffness_1_mm2 is zero where nothing is prescribed and 1/ℓ² where the target is met but for a layer of thickness ℓ.
    Second-order finite volumes. Raises InputError when κ is negative, not finite, or zero everywhere.
    """
    if not np.isfinite(stiffness_1_mm2).all() or (stiffness_1_mm2 < 0).any() or not stiffness_1_mm2.any():
        raise InputError("a stiffness that is negative, not finite or zero everywhere", where="smoothest", remedy="prescribe some voxels")
    kappa = stiffness_1_mm2.astype(np.float64).ravel()
    system = (_minus_laplacian(stiffness_1_mm2.shape, spacing_mm) + diags_array(kappa, format="csr")).tocsr()
    solution = np.empty(target.shape)
    for i, wanted in enumerate(target.reshape(len(target), -1).astype(np.float64)):
        start = np.where(kappa > 0, wanted, 0.0)
        solution[i] = _conjugate_gradient(system, kappa * wanted, start, tolerance).reshape(stiffness_1_mm2.shape)
    return solution


def harmonic_weight(one: Bool[Array, "x y z"], zero: Bool[Array, "x y z"], spacing_mm: Float[Array, "3"]) -> Float[Array, "x y z"]:
    """w with ∇²w = 0 between the regions, w = 1 on `one` and w = 0 on `zero`; bounded by 0 and 1 (the maximum principle).

    Raises InputError when a region is empty or the regions overlap.
    """
    if not one.any() or not zero.any() or (one & zero).any():
        raise InputError("regions that are empty or overlap", where="harmonic_weight", remedy="pass two separate, filled masks")
    stiffness = np.where(one | zero, HARD / float(np.min(spacing_mm)) ** 2, 0.0)
    return np.clip(smoothest(one[None].astype(np.float64), stiffness, spacing_mm, tolerance=1e-11)[0], 0.0, 1.0)


def _conjugate_gradient(
    system: csr_array, rhs: Float[Array, "m"], start: Float[Array, "m"], tolerance: float, *, iterations: int = 5000
) -> Float[Array, "m"]:
    """A⁻¹·rhs with Jacobi scaling. Hestenes and Stiefel 1952, J Res NBS 49:409. Raises GemelError when it does not converge.

    Written out because SciPy's version calls threaded BLAS for its dot products, which is several times slower on a busy machine.
    """
    inverse = 1.0 / system.diagonal()
    u, residual = start.copy(), rhs - system @ start
    direction = z = inverse * residual
    rho, goal = float((residual * z).sum()), tolerance**2 * float((inverse * rhs**2).sum())
    for _ in range(iterations):
        if rho <= goal:
            return u
        image = system @ direction
        step = rho / float((direction * image).sum())
        u += step * direction
        residual -= step * image
        z = inverse * residual
        before, rho = rho, float((residual * z).sum())
        direction = z + (rho / before) * direction
    raise GemelError(f"no convergence after {iterations} iterations", where="smoothest", remedy="use a coarser grid or more prescriptions")


def _minus_laplacian(shape: tuple[int, ...], spacing_mm: Float[Array, "3"]) -> csr_array:
    """Seven-point −∇² in 1/mm² with no flux through the faces."""
    number = np.arange(int(np.prod(shape))).reshape(shape)
    rows, columns, values = [], [], []
    for axis, h_mm in enumerate(spacing_mm):
        low, high = np.delete(number, -1, axis).ravel(), np.delete(number, 0, axis).ravel()
        conductance = np.full(low.size, 1.0 / float(h_mm) ** 2)
        rows += [low, high, low, high]
        columns += [high, low, low, high]
        values += [-conductance, -conductance, conductance, conductance]
    triplets = (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))
    return csr_array(triplets, shape=(number.size, number.size))
