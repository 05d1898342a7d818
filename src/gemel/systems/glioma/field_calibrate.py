"""Invasion learned from maps of cells at several visits: Levenberg–Marquardt over all voxels, and the posterior of Laplace.

Four numbers are asked for, of a million values: their sensitivities are runs side by side (four), fewer than an adjoint of each value would
take; fields are learned by the adjoint (`field_maps`). Levenberg 1944, Q Appl Math 2:164; Marquardt 1963, SIAM J Appl Math 11:431.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from gemel.core.errors import GeometryError, InputError, RangeError
from gemel.core.image import Array
from gemel.engines import pde
from gemel.systems.glioma.field import NOTHING, RANGE, Invasion, Therapy, diffusivity_mm2_d, events
from gemel.systems.glioma.tissue import Tissue

NAMES = ("rho_1_d", "D_white_mm2_d", "alpha_1_Gy", "drug_kill_1")
PRIORS = {"rho_1_d": (0.03, 0.8), "D_white_mm2_d": (0.13, 1.0), "alpha_1_Gy": (0.046, 0.73), "drug_kill_1": (0.03, 0.8)}
"""Medians and ln-sd: Harpold et al. 2007, J Neuropathol Exp Neurol 66:1 (D, ρ); Qi et al. 2006 (α); as `population.json` (drug)."""
STEP = 1e-3
"""In ln of a parameter: between the rounding of float32 fields and curvature."""
CLOSE, DAMPING, SOFTER, HARDER, INFORMED = 1e-5, 1e-4, 0.1, 10.0, 0.9


@dataclass(frozen=True)
class Cells:
    """Cells of a visit as shares of the capacity, their error, and how far apart voxels err independently (0: each for itself)."""

    t_days: float
    share: Float[Array, "x y z"]
    sd: float = 0.05
    apart_mm: float = 0.0


@dataclass(frozen=True)
class Calibrated:
    """Most probable parameters, covariance of their logarithms (in order of `names`), and those the visits do not inform.

    `discrepancy_1`: rms of what is left over what the errors explain; above one the covariance is widened by its square (Birge 1932, Phys
    Rev 40:207). `costs`: after each step.
    """

    invasion: Invasion
    names: tuple[str, ...]
    covariance: Float[Array, "p p"]
    not_informed: tuple[str, ...]
    discrepancy_1: float
    costs: tuple[float, ...]

    def ln_sd(self) -> dict[str, float]:
        """Of each parameter."""
        return dict(zip(self.names, np.sqrt(np.diagonal(self.covariance)).tolist()))


@dataclass(frozen=True)
class Fit:
    """What does not change from step to step."""

    of: Tissue
    start: Float[Array, "x y z"]
    therapy: Therapy
    known: Invasion
    names: tuple[str, ...]
    times: tuple[float, ...]
    seen: Float[Array, "times voxels"]
    per_sd: Float[Array, "times 1"]
    count: float  # independent values

    def invasion(self, ln: Float[Array, "p"]) -> Invasion | None:
        """None beyond the stable range."""
        values = {name: float(np.exp(x)) for name, x in zip(self.names, ln)}
        if any(not RANGE[n][0] <= v <= RANGE[n][1] for n, v in values.items()):
            return None
        return self.with_numbers(values)

    def with_numbers(self, values: Mapping[str, float]) -> Invasion:
        """Those, and the rest as known."""
        return replace(self.known, **values)

    def fields(self, tried: Sequence[Invasion]) -> Float[Array, "n times voxels"]:
        """Of each, where cells can be; runs side by side."""
        one = Invasion(1.0, self.known.ratio_1, 1e-3)
        draws = [pde.Draw(pde.logistic(i.rho_1_d), i.D_white_mm2_d, self.events(i)) for i in tried]
        mask, by = self.of.mask, diffusivity_mm2_d(self.of, one)
        return pde.solve_many(self.start, mask, self.of.grid.spacing_mm, by, draws, list(self.times), lambda u: u[mask])

    def events(self, invasion: Invasion) -> tuple[pde.Event | pde.Exposure, ...]:
        """Up to the last visit."""
        kept = Therapy(
            tuple(t for t in self.therapy.fractions_d if t <= self.times[-1]),
            self.therapy.dose_Gy,
            tuple(t for t in self.therapy.drug_d if t <= self.times[-1]),
            tuple(one for one in self.therapy.resections if one[0] <= self.times[-1]),
        )
        return events(self.of, invasion, kept)

    def cost(self, ln: Float[Array, "p"], u: Float[Array, "times voxels"]) -> float:
        """½|residual|² + ½|z|²."""
        return 0.5 * float(np.square((u - self.seen) * self.per_sd).sum(dtype=np.float64)) + 0.5 * float(np.square(self.z(ln)).sum())

    def z(self, ln: Float[Array, "p"]) -> Float[Array, "p"]:
        """In standard deviations of the prior."""
        return np.array([(x - np.log(PRIORS[n][0])) / PRIORS[n][1] for n, x in zip(self.names, ln)])


def calibrated(
    of: Tissue,
    start: Float[Array, "x y z"],
    visits: Sequence[Cells],
    *,
    first: Invasion,
    therapy: Therapy = NOTHING,
    steps: int = 20,
) -> Calibrated:
    """ρ, D, α and the drug's kill from maps of cells; α and the drug only where they were given before the last visit, else as `first`.

    From `first` on. Raises InputError for visits that are none or out of order, GeometryError for maps of another grid, RangeError for
    maps that are negative or not finite.
    """
    fit = prepared(of, start, visits, first, therapy)
    ln = np.log([getattr(fit.known, name) for name in fit.names])
    u = fit.fields([fit.known])[0]
    costs, damping = [fit.cost(ln, u)], DAMPING
    gradient, curvature = _local(fit, ln, u)
    for _ in range(steps):
        tried = ln - np.linalg.solve(curvature + damping * np.diag(np.diagonal(curvature)), gradient)
        tried = np.clip(tried, ln - 1.5, ln + 1.5)
        there = fit.invasion(tried)
        reached = fit.fields([there])[0] if there else u
        cost = fit.cost(tried, reached) if there else np.inf
        if not cost < costs[-1]:
            damping *= HARDER
            if damping > 1e6:
                break
            continue
        small = float(np.abs(tried - ln).max()) < CLOSE
        ln, u, damping = tried, reached, max(damping * SOFTER, 1e-12)
        costs.append(cost)
        if small:
            break
        gradient, curvature = _local(fit, ln, u)
    return _told(fit, ln, u, curvature, costs)


def prepared(of: Tissue, start: Float[Array, "x y z"], visits: Sequence[Cells], first: Invasion, therapy: Therapy) -> Fit:
    """What is to be explained, checked. Raises as `calibrated`."""
    times = tuple(float(visit.t_days) for visit in visits)
    if not times or times[0] <= 0 or min(np.diff(times), default=1.0) < 0.5:
        raise InputError(f"visits on days {list(times)}", where="calibration", remedy="give later visits in order, one a day")
    for visit in visits:
        _require_shares(of, visit)
    given = {"alpha_1_Gy": therapy.fractions_d, "drug_kill_1": therapy.drug_d}
    names = tuple(n for n in NAMES if n not in given or any(t < times[-1] for t in given[n]))
    voxel_mm3 = 1000.0 * of.voxel_mL
    share = np.array([min(1.0, voxel_mm3 / max(visit.apart_mm, 1e-9) ** 3) for visit in visits])
    per_sd = (np.sqrt(share) / [visit.sd for visit in visits]).astype(np.float32)[:, None]
    seen = np.stack([np.asarray(visit.share, dtype=np.float32)[of.mask] for visit in visits])
    return Fit(of, start, therapy, _begun(first), names, times, seen, per_sd, float(share.sum()) * seen.shape[1])


def _begun(first: Invasion) -> Invasion:
    """The population's median where nothing was said of a sensitivity."""
    return replace(first, **{n: getattr(first, n) or PRIORS[n][0] for n in ("alpha_1_Gy", "drug_kill_1")})


def _require_shares(of: Tissue, visit: Cells) -> None:
    where = f"cells, day {visit.t_days:g}"
    if visit.share.shape != of.mask.shape:
        raise GeometryError(f"a map of {visit.share.shape} on {of.mask.shape}", where=where, remedy="resample it to the tissue's grid")
    if not np.isfinite(visit.share[of.mask]).all() or visit.share[of.mask].min() < 0 or not visit.sd > 0:
        raise RangeError(
            "cells that are negative or not finite, or no error", where=where, remedy="give shares of the capacity from 0 to 1"
        )


def _local(fit: Fit, ln: Float[Array, "p"], u: Float[Array, "times voxels"]) -> tuple[Float[Array, "p"], Float[Array, "p p"]]:
    """Gradient and Gauss–Newton curvature of the cost by ln of the parameters."""
    moved = [fit.invasion(ln + STEP * row) or fit.invasion(ln - STEP * row) for row in np.eye(len(ln))]
    steps = [np.log(getattr(there, name)) - x for there, name, x in zip(moved, fit.names, ln)]
    fields = fit.fields([there for there in moved if there is not None])
    columns = [((field - u) * (fit.per_sd / step)).ravel().astype(np.float64) for field, step in zip(fields, steps)]
    residual = ((u - fit.seen) * fit.per_sd).ravel().astype(np.float64)
    spread = np.array([PRIORS[n][1] for n in fit.names])
    gradient = np.array([column @ residual for column in columns]) + fit.z(ln) / spread
    return gradient, np.array([[a @ b for b in columns] for a in columns]) + np.diag(spread**-2.0)


def _told(fit: Fit, ln: Array, u: Array, curvature: Array, costs: Sequence[float]) -> Calibrated:
    found = fit.invasion(ln)
    if found is None:
        raise RangeError("no parameters within the stable range", where="calibration", remedy="check maps and dates")
    rms = float(np.sqrt(np.square((u - fit.seen) * fit.per_sd).sum(dtype=np.float64) / fit.count))
    spread = np.array([PRIORS[n][1] for n in fit.names])
    data = (curvature - np.diag(spread**-2.0)) / max(1.0, rms) ** 2
    covariance = np.linalg.inv(data + np.diag(spread**-2.0))
    ratio = np.sqrt(np.diagonal(covariance)) / spread
    return Calibrated(found, fit.names, covariance, tuple(n for n, r in zip(fit.names, ratio) if r > INFORMED), rms, tuple(costs))
