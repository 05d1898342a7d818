"""Proliferation and diffusivity as maps, learned voxel by voxel from maps of cells: the exact adjoint, and a posterior of low rank.

ρ(x) = ρ·exp(s Sξ), D(x) = D_tissue(x)·exp(s Sξ′), S a smoother of unit variance: log-normal fields about the global numbers, which are
unknown too. Pash et al. 2025, arXiv 2505.08927, for fields of glioma and Laplace's posterior on them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from scipy.ndimage import gaussian_filter

from gemel.core.image import Array
from gemel.engines import pde
from gemel.engines.inference.low_rank import Local, LowRank, most_probable, posterior
from gemel.systems.glioma.course import ALPHA_BETA_Gy
from gemel.systems.glioma.field import NOTHING, RANGE, Invasion, Therapy, diffusivity_mm2_d
from gemel.systems.glioma.field_calibrate import PRIORS, Cells, Fit, prepared
from gemel.systems.glioma.tissue import Tissue

SPREAD = {"rho_1_d": 0.26, "D_white_mm2_d": 0.48}
"""ln-sd about the global number, roots of the log-variances of Pash et al. 2025's fields (0.0682 and 0.2336)."""
LENGTH_mm = 12.0
"""Over which the fields vary. Assumed; theirs is that of the brain (180 mm)."""
LITTLE, MARGIN = 1e-5, 0.8


@dataclass(frozen=True)
class Smooth:
    """A map in the mask from standard normals, one a voxel: variance one, correlation exp(−r²/(4σ²))."""

    of: Tissue
    sigma: tuple[float, ...]
    scale: Float[Array, "x y z"]

    def spread(self, xi: Float[Array, "n"]) -> Float[Array, "x y z"]:
        """S ξ."""
        whole = np.zeros(self.of.mask.shape)
        whole[self.of.mask] = xi
        return np.asarray(self.scale * gaussian_filter(whole, self.sigma, mode="constant"))

    def gathered(self, by: Float[Array, "x y z"]) -> Float[Array, "n"]:
        """Sᵀ of a map."""
        return np.asarray(gaussian_filter(self.scale * by, self.sigma, mode="constant")[self.of.mask])


@dataclass(frozen=True)
class Mapped:
    """Global numbers, both maps, the sd of their logarithms, the posterior behind them, the prior's part that is left, costs by step."""

    invasion: Invasion
    rho_1_d: Float[Array, "x y z"]
    D_mm2_d: Float[Array, "x y z"]
    ln_sd: dict[str, Float[Array, "x y z"]]
    belief: LowRank
    costs: tuple[float, ...]


def smooth(of: Tissue, length_mm: float = LENGTH_mm) -> Smooth:
    """The smoother of a correlation length, normalised in every voxel of the mask."""
    sigma = tuple(float(length_mm / np.sqrt(2) / h) for h in of.grid.spacing_mm)
    square = gaussian_filter(of.mask.astype(np.float64), [s / np.sqrt(2) for s in sigma], mode="constant")
    unit = float(np.prod([1 / (2 * np.sqrt(np.pi) * s) for s in sigma]))
    return Smooth(of, sigma, np.where(of.mask, 1.0 / np.sqrt(unit * np.maximum(square, 1e-12)), 0.0))


def mapped(
    of: Tissue,
    start: Float[Array, "x y z"],
    visits: Sequence[Cells],
    rng: np.random.Generator,
    *,
    first: Invasion,
    therapy: Therapy = NOTHING,
    rank: int = 12,
    steps: int = 6,
) -> Mapped:
    """Maps and global numbers from visits, and their uncertainty; each step costs about a dozen adjoints. Raises as `calibrated`."""
    fit = prepared(of, np.asarray(start, dtype=np.float64), visits, first, therapy)
    by = smooth(of)
    xi, costs = most_probable(lambda at: local(fit, by, at), centre(fit), steps=steps)
    belief = posterior(xi, local(fit, by, xi), rank, rng)
    rho, D, invasion = maps(fit, by, xi)
    return Mapped(invasion, rho, D, {name: ln_sd(fit, by, belief, name) for name in SPREAD}, belief, costs)


def centre(fit: Fit) -> Float[Array, "d"]:
    """Maps that are flat, at the global numbers first given."""
    numbers = fit.z(np.log([getattr(fit.known, name) for name in fit.names]))
    return np.concatenate([numbers, np.zeros(2 * int(fit.of.mask.sum()))])


def maps(fit: Fit, by: Smooth, xi: Float[Array, "d"]) -> tuple[Float[Array, "x y z"], Float[Array, "x y z"], Invasion]:
    """ρ(x), D(x) and the global numbers; numbers beyond the stable range are held at its edge."""
    p, n = len(fit.names), int(fit.of.mask.sum())
    numbers = {m: float(np.clip(PRIORS[m][0] * np.exp(PRIORS[m][1] * z), *_inside(m))) for m, z in zip(fit.names, xi[:p])}
    invasion = fit.with_numbers(numbers)
    rho = np.asarray(invasion.rho_1_d * np.exp(SPREAD["rho_1_d"] * by.spread(xi[p : p + n])))
    easy = diffusivity_mm2_d(fit.of, replace(invasion, D_white_mm2_d=1.0)).astype(np.float64)
    D = invasion.D_white_mm2_d * easy * np.exp(SPREAD["D_white_mm2_d"] * by.spread(xi[p + n :]))
    return rho, np.asarray(D), invasion


def _inside(name: str) -> tuple[float, float]:
    low, high = RANGE[name]
    return max(low, 1e-6), high


def local(fit: Fit, by: Smooth, xi: Float[Array, "d"]) -> Local:
    """Residuals at a point, their derivative by a difference of runs of equal steps, and its transpose by the adjoint."""
    rho, D, invasion = maps(fit, by, xi)
    where, reaction = (fit.of.mask, fit.of.grid.spacing_mm), pde.logistic(rho)
    dt_days = MARGIN * pde.stable_step(*where, D, reaction)
    here = _seen(fit, by, xi, dt_days)

    def along(v: Float[Array, "d"]) -> Float[Array, "m"]:
        size = LITTLE / max(float(np.abs(v).max()), 1e-30)
        return (_seen(fit, by, xi + size * v, dt_days) - here) / size

    def back(w: Float[Array, "m"]) -> Float[Array, "d"]:
        cotangent = np.zeros((len(fit.times), *fit.of.mask.shape))
        cotangent[:, fit.of.mask] = w.reshape(fit.seen.shape) * fit.per_sd
        _, found = pde.gradient(fit.start, *where, D, reaction, list(fit.times), cotangent, fit.events(invasion), dt_days, order=3)
        return _gathered(fit, by, (rho, D, invasion), found)

    return Local(here - (fit.seen * fit.per_sd).astype(np.float64).ravel(), along, back)


def _seen(fit: Fit, by: Smooth, xi: Float[Array, "d"], dt_days: float) -> Float[Array, "m"]:
    rho, D, invasion = maps(fit, by, xi)
    where = (fit.of.mask, fit.of.grid.spacing_mm)
    fields = pde.solve(fit.start, *where, D, pde.logistic(rho), list(fit.times), fit.events(invasion), dt_days, order=3)
    return np.asarray((fields[:, fit.of.mask] * fit.per_sd).ravel(), dtype=np.float64)


def _gathered(fit: Fit, by: Smooth, at: tuple[Array, Array, Invasion], found: pde.Gradient) -> Float[Array, "d"]:
    """From derivatives by what the run was given to those by the unknowns."""
    rho, D, invasion = at
    by_rho, by_D = rho * np.asarray(found.k_1_d), D * np.asarray(found.diffusivity_mm2_d)
    numbers = {"rho_1_d": float(by_rho.sum()), "D_white_mm2_d": float(by_D.sum())}
    if "alpha_1_Gy" in fit.names:
        alpha, beta = found.along_events()
        numbers["alpha_1_Gy"] = invasion.alpha_1_Gy * float(alpha + beta / ALPHA_BETA_Gy)
    if "drug_kill_1" in fit.names:
        one = found.exposures[0]
        numbers["drug_kill_1"] = float(one.amount.sum())  # amounts are one: a factor on all of them is one on the sensitivity
    return np.concatenate(
        [
            [PRIORS[name][1] * numbers[name] for name in fit.names],
            SPREAD["rho_1_d"] * by.gathered(by_rho),
            SPREAD["D_white_mm2_d"] * by.gathered(by_D),
        ]
    )


def ln_sd(fit: Fit, by: Smooth, belief: LowRank, name: str) -> Float[Array, "x y z"]:
    """Of a map, the global number's included."""
    p, n = len(fit.names), int(fit.of.mask.sum())
    number, first = fit.names.index(name), p + n * list(SPREAD).index(name)
    share, prior = belief.values / (1 + belief.values), PRIORS[name][1]
    modes = np.stack([SPREAD[name] * by.spread(v[first : first + n]) + prior * v[number] for v in belief.vectors.T])
    variance = SPREAD[name] ** 2 + prior**2 - np.tensordot(share, np.square(modes), 1)
    return np.where(fit.of.mask, np.sqrt(np.maximum(variance, 0.0)), 0.0)
