"""A section fed by the plasma of the whole-body model: ligand spreads, fills receptors, is taken into cells, and decays, in time.

Hot and cold ligand bind alike. Of both together (c free, b bound, nmol per litre of tissue, R₀ receptors, vessels v, plasma c_p):
∂c/∂t = ∇·(D ∇c) + κ v (c_p − c) − k_on (R₀ − b) c + k_off b, ∂b/∂t = k_on (R₀ − b) c − (k_off + λ_int) b; then the hot part, linear in the
receptors left, with λ besides, and h_i in cells: ∂h_i/∂t = λ_int h_b − (λ_rel + λ) h_i.
Fele-Paranj et al. 2024, EJNMMI Radiopharm Chem 9:6.
Backward Euler in time, at rest in space within each step: any step is stable, b stays below R₀, and without saturation the sum over a
whole course is that of `residence` whatever the steps (its equations add up to those at rest). No convection: interstitial flow is slow
against diffusion over these lengths, and could be neglected for a tracer in tumours (2021, BMC Biotechnol 21, s12896-021-00725-3).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float, Shaped

from gemel.core.errors import GeometryError, RangeError
from gemel.core.image import Array
from gemel.engines.pde import Sink, at_rest
from gemel.engines.pde.sink import linear
from gemel.systems.theranostics import pbpk
from gemel.systems.theranostics.micro.binding import Ligand, Map
from gemel.systems.theranostics.pbpk_parameters import Values
from gemel.systems.theranostics.quantities import at_least_zero, over_zero

FIRST_S, LONGEST_S = 60.0, 48 * 3600.0
PRECISION = 1e-5  # of the largest free ligand, of what is left unbalanced in a step


@dataclass(frozen=True)
class PlasmaCourse:
    """Mean concentrations (nmol/L) of hot and cold ligand over steps that end at `ends_s`, the first beginning at 0."""

    ends_s: Float[Array, "steps"]
    hot_nmol_L: Float[Array, "steps"]
    cold_nmol_L: Float[Array, "steps"]

    def __post_init__(self) -> None:
        at_least_zero(self.hot_nmol_L, "hot_nmol_L"), at_least_zero(self.cold_nmol_L, "cold_nmol_L")
        if not (len(self.ends_s) == len(self.hot_nmol_L) == len(self.cold_nmol_L) > 0):
            raise GeometryError("steps and concentrations of different number", where="PlasmaCourse", remedy="give one of each a step")
        if not (np.diff(self.ends_s, prepend=0.0) > 0).all():
            raise RangeError("steps that do not end one after another", where="PlasmaCourse", remedy="give rising times over 0, in s")


@dataclass(frozen=True)
class Uptake:
    """Of a section at the end: integral of hot ligand (nmol s/L), hot ligand there (nmol/L), receptors taken (0 to 1) and their most."""

    integral_nmol_s_L: Map
    hot_nmol_L: Map
    taken_1: Map
    most_taken_1: Map


def plasma_of(params: Values, injections: Sequence[pbpk.Injection], until_h: float | int, *, growth_1: float | int = 1.2) -> PlasmaCourse:
    """Arterial plasma of one person in the PSMA model, as means over steps that grow by `growth_1` from a minute to two days.

    Raises RangeError unless `until_h` is over zero, growth 1 or more and parameters of one draw, and as `pbpk.course`.
    """
    if not growth_1 >= 1:
        raise RangeError(f"steps that grow by {growth_1}", where="plasma_of", remedy="give 1 or more; 1.2 is usual")
    end_s, ends = 3600 * float(over_zero(until_h, "until_h")), [0.0]
    while ends[-1] < end_s:
        ends.append(min(end_s, ends[-1] + min(LONGEST_S, FIRST_S * growth_1 ** (len(ends) - 1))))
    fine = np.unique(np.concatenate([np.linspace(a, b, 9) for a, b in pairwise(ends)]))
    found = pbpk.plasma_nmol_L(params, injections, fine / 60)
    if len(found) > 1:
        raise RangeError(f"{len(found)} persons", where="plasma_of", remedy="give the parameters of one")
    summed = np.concatenate([[[0.0, 0.0]], np.cumsum((found[0, 1:] + found[0, :-1]) / 2 * np.diff(fine)[:, None], axis=0)])
    mean = np.diff(summed[np.searchsorted(fine, ends)], axis=0) / np.diff(ends)[:, None]
    return PlasmaCourse(np.array(ends[1:]), mean[:, 0], mean[:, 1])


def driven(
    ligand: Ligand,
    vessels: Shaped[Array, "x y z"],
    receptors_nmol_L: Shaped[Array, "..."] | float,
    spacing_mm: float | tuple[float, float, float],
    *,
    plasma: PlasmaCourse,
    decay_1_s: float,
) -> Uptake:
    """What a section holds of a course of plasma, receptors filling. `vessels`: fraction of each voxel. Raises as `residence`."""
    amount = at_least_zero(np.asarray(vessels, dtype=np.float64), "vessels")
    full = at_least_zero(receptors_nmol_L, "receptors_nmol_L")
    if full.ndim and full.shape != amount.shape:
        raise GeometryError(f"receptors of shape {full.shape} on {amount.shape}", where="driven", remedy="give both on one grid")
    place = (np.ones(amount.shape, dtype=bool), spacing_mm, ligand.exchange_1_s * amount)
    lam = float(over_zero(decay_1_s, "decay_1_s"))
    return _followed(ligand, np.broadcast_to(full, amount.shape), place, _steps(plasma), lam)


Place = tuple[Shaped[Array, "x y z"], float | tuple[float, float, float], Map]


def _steps(plasma: PlasmaCourse) -> Iterator[tuple[float, float, float]]:
    """Length, hot, and all ligand of the plasma."""
    for dt, hot, cold in zip(np.diff(plasma.ends_s, prepend=0.0), plasma.hot_nmol_L, plasma.cold_nmol_L):
        yield float(dt), float(hot), float(hot + cold)


def _followed(ligand: Ligand, full: Map, place: Place, steps: Iterator[tuple[float, float, float]], lam: float) -> Uptake:
    all_free, all_bound, free, bound, cells, integral, most = (np.zeros(full.shape) for _ in range(7))
    for dt, hot, total in steps:
        all_free, all_bound = _all_ligand(ligand, full, place, (all_free, all_bound), (dt, total))
        free, bound, cells = _hot_ligand(ligand, full - all_bound, place, (free, bound, cells), (dt, hot, lam))
        integral, most = integral + dt * (free + bound + cells), np.maximum(most, all_bound)
    where = np.maximum(full, np.finfo(float).tiny)
    return Uptake(integral, free + bound + cells, all_bound / where, most / where)


def _all_ligand(ligand: Ligand, full: Map, place: Place, before: tuple[Map, Map], step: tuple[float, float]) -> tuple[Map, Map]:
    """One step of hot and cold together: b(c) = (b₀ + Δt k_on R₀ c)/(1 + Δt (k_on c + k_off + λ_int)) is concave, as `at_rest` needs."""
    (c0, b0), (dt, supply) = before, step
    kept, on = 1.0 + dt * (ligand.k_off_1_s + ligand.lambda_int_1_s), dt * ligand.k_on_L_nmol_s
    gone = 1.0 / dt + ligand.lambda_int_1_s

    def bound(c: Map) -> Map:
        """Straight on below 0, where iterates may come."""
        return np.where(c >= 0, (b0 + on * full * np.maximum(c, 0.0)) / (kept + on * np.maximum(c, 0.0)), b0 / kept + c * slope_1(0.0 * c))

    def slope_1(c: Map) -> Map:
        return np.asarray(on * (full * kept - b0) / (kept + on * np.maximum(c, 0.0)) ** 2)

    taking = Sink(lambda c: np.asarray((c - c0) / dt + gone * bound(c) - b0 / dt), lambda c: np.asarray(1.0 / dt + gone * slope_1(c)))
    free = np.maximum(_rest(ligand, place, taking, (supply, float(c0.max()))), 0.0)
    return free, bound(free)


def _hot_ligand(
    ligand: Ligand, left: Map, place: Place, before: tuple[Map, Map, Map], step: tuple[float, float, float]
) -> tuple[Map, Map, Map]:
    """One step of the hot part, with the receptors that are left."""
    (c0, b0, i0), (dt, supply, lam) = before, step
    kept, on = 1.0 + dt * (ligand.k_off_1_s + ligand.lambda_int_1_s + lam), dt * ligand.k_on_L_nmol_s * left
    gone = 1.0 / dt + ligand.lambda_int_1_s + lam
    rate = 1.0 / dt + lam + gone * on / kept
    offset = c0 / dt + b0 / dt - gone * b0 / kept
    sink = linear(rate)
    free = np.maximum(_rest(ligand, place, Sink(lambda c: np.asarray(sink.rate(c) - offset), sink.slope), (supply, float(c0.max()))), 0.0)
    bound = (b0 + on * free) / kept
    return free, bound, (i0 + dt * ligand.lambda_int_1_s * bound) / (1.0 + dt * (ligand.lambda_rel_1_s + lam))


def _rest(ligand: Ligand, place: Place, sink: Sink, levels: tuple[float, float]) -> Map:
    """Free ligand at the end of a step; its precision that of plasma or of what was there, whichever is more."""
    mask, spacing_mm, exchange = place
    supply = max(levels[0], 1e-30)
    near = PRECISION * max(1.0, levels[1] / supply)
    return np.asarray(at_rest(mask, spacing_mm, ligand.D_mm2_s, sink, exchange=exchange, supply=supply, tolerance=near))
