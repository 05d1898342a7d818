"""Reaction–diffusion in time on a masked grid, with things that happen at exact dates."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float, Shaped

from gemel.core.errors import GeometryError, RangeError
from gemel.core.image import Array
from gemel.engines.pde import kernels
from gemel.engines.pde.domain import WHERE, Domain, domain
from gemel.engines.pde.events import Event, breaks, checked, happen
from gemel.engines.pde.faces import Diffusivity, faces, largest_loss
from gemel.engines.pde.reaction import Reaction, logistic_rate, nothing, tabled

Spacing = Shaped[Array, "..."] | tuple[float, ...] | list[float] | float
Times = Shaped[Array, "..."] | Sequence[float] | float | int

SAFETY = 0.9  # of the stable step
FINE = 0.1  # the steepest reaction times the step
MARGIN = 1.0 + 1e-6  # conductances are rounded to float32
CHUNK = 4096  # steps handed over at once


@dataclass(frozen=True)
class Problem:
    """All that a step needs: grid, conductances of each species, reaction, its table, and the longest stable step."""

    on: Domain
    faces: tuple[Array, Array, Array]
    reaction: Reaction
    table: Shaped[Array, "p x y z"]
    longest: float
    stages: Float[Array, "stages"]


def solve(
    u0: Shaped[Array, "..."],
    mask: Shaped[Array, "..."],
    spacing_mm: Spacing,
    diffusivity_mm2_d: Diffusivity,
    reaction: Reaction | None,
    t_days: Times,
    events: Sequence[Event] = (),
    dt_days: float | None = None,
    *,
    order: int = 3,
) -> Float[Array, "times ..."]:
    """∂u/∂t = ∇·(D ∇u) + r(u) in the mask, no flux through its border, u given at t = 0; u at each of `t_days` (events of that date done).

    Finite volumes with harmonic faces: what leaves a voxel enters its neighbour, so that nothing is made at curved borders. D is one
    number, a field, or for several species (u0 of four dimensions) one of these each, on a leading axis. Steps of `order` 1 to 3 in time
    that end on every date; the step is the stable one with margin, or smaller for the reaction, unless `dt_days` is given.
    Computed in float64 when u0 is float64, else in float32; the same whatever the number of threads.
    Raises GeometryError, StructureError or RangeError for grids, maps and times that cannot be, and for a step over the stable one,
    which it names. Warns of a grid too coarse for its front, h √(k/D) > 1, where fronts run too fast.
    """
    return _solved(u0, (mask, spacing_mm, diffusivity_mm2_d, reaction), t_days, events, dt_days, order)


def solve_s(
    u0: Shaped[Array, "..."],
    mask: Shaped[Array, "..."],
    spacing_mm: Spacing,
    diffusivity_mm2_s: Diffusivity,
    reaction: Reaction | None,
    t_s: Times,
    dt_s: float | None = None,
    *,
    order: int = 3,
) -> Float[Array, "times ..."]:
    """`solve` with seconds for days everywhere: D in mm²/s, rates in 1/s, times in s."""
    return _solved(u0, (mask, spacing_mm, diffusivity_mm2_s, reaction), t_s, (), dt_s, order)


def stable_step(
    mask: Shaped[Array, "..."], spacing_mm: Spacing, diffusivity: Diffusivity, reaction: Reaction | None = None, *, most: float = 1.0
) -> float:
    """The longest stable explicit step, 2/(2 max Σ w + k): h²/(6D + k h²/2) in a uniform volume; u up to `most`. In the unit of D and k."""
    found = _problem(domain(mask, spacing_mm), diffusivity, reaction or nothing(), most, (np.float64, 1))
    return found.longest


def _solved(
    u0: Shaped[Array, "..."],
    where: tuple[Shaped[Array, "..."], Spacing, Diffusivity, Reaction | None],
    t: Times,
    events: Sequence[Event],
    dt: float | None,
    order: int,
) -> Float[Array, "times ..."]:
    mask, spacing_mm, diffusivity, reaction = where
    on, reaction = domain(mask, spacing_mm), reaction or nothing()
    times, start = _times(t), _start(u0, on, reaction)
    happening = checked(events, on, float(times[-1]))
    if order not in kernels.STAGES:
        raise RangeError(f"an order of {order!r}", where=WHERE, remedy="use 1, 2 or 3")
    most = float(start.max()) + sum(float(np.max(event.added)) for event in happening)
    problem = _problem(on, diffusivity, reaction, most, (start.dtype.type, order))
    _warn_if_coarse(problem, diffusivity, most)
    return _course(start, problem, (times, happening, _step(problem, most, dt)), u0.ndim == 4)


def _problem(on: Domain, diffusivity: Diffusivity, reaction: Reaction, most: float, how: tuple[type, int]) -> Problem:
    dtype, order = how
    given = np.asarray(diffusivity, dtype=np.float64)
    each = [faces(value, on, dtype) for value in (given if given.ndim in (1, 4) else [given] * reaction.species)]
    if len(each) != reaction.species:
        found = f"diffusivities of {len(each)} species, a reaction of {reaction.species}"
        raise GeometryError(found, where=WHERE, remedy="give one for each")
    loss = max(largest_loss(one, on.runs) for one in each)
    total = 2.0 * loss + reaction.steepest(most)
    joined = each[0] if reaction.species == 1 else tuple(np.stack(axis) for axis in zip(*each))
    longest = 2.0 / total if total > 0 else np.inf
    return Problem(on, (joined[0], joined[1], joined[2]), reaction, tabled(reaction, on, dtype), longest, kernels.STAGES[order])


def _step(problem: Problem, most: float, dt: float | None) -> float:
    """The step to aim at. Raises RangeError for one by hand that is not stable."""
    if dt is None:
        steep = problem.reaction.steepest(most)
        return min(SAFETY * problem.longest, FINE / steep if steep > 0 else np.inf)
    if not 0 < dt <= problem.longest * MARGIN:
        raise RangeError(
            f"a step of {dt!r}", where=WHERE, remedy=f"use a step over 0 and up to the stable one, {problem.longest:.6g}, or leave it out"
        )
    return float(dt)


def _course(
    start: Shaped[Array, "s x y z"], problem: Problem, dates: tuple[Float[Array, "times"], tuple[Event, ...], float], many: bool
) -> Float[Array, "times ..."]:
    times, events, dt = dates
    held = np.zeros((3, *problem.on.enter(start).shape), dtype=start.dtype)
    u = held[0]
    u[:] = problem.on.enter(start)
    found = np.empty((len(times), *start.shape), dtype=u.dtype)
    moments = breaks(times, events)
    for before, now in zip([0.0, *moments[:-1]], moments):
        _advance(held, problem, (before, now, dt))
        for event in (event for event in events if event.t_days == now):
            happen(event, u, problem.on)
        found[times == now] = problem.on.leave(u)
    if not np.isfinite(found[-1]).all():
        raise RangeError("values no longer finite", where=WHERE, remedy="check `steepest` of the reaction: the step is too long for it")
    return found if many else found[:, 0]


def _advance(held: Shaped[Array, "three s x y z"], problem: Problem, span: tuple[float, float, float]) -> None:
    """From one moment to the next in steps of one length."""
    before, now, aim = span
    steps = int(np.ceil((now - before) / aim / MARGIN)) if now > before else 0
    dtype = held.dtype.type
    for first in range(0, steps, CHUNK):
        edges = before + (now - before) * np.arange(first, min(first + CHUNK, steps) + 1) / steps
        _kernel(held, problem, dtype((now - before) / steps), _forced(problem.reaction, edges, dtype))


def _forced(reaction: Reaction, edges: Float[Array, "edges"], dtype: type) -> Shaped[Array, "steps forcings"]:
    if reaction.forcing is None:
        return np.zeros((len(edges) - 1, 1), dtype=dtype)
    return np.array([reaction.forcing(float(a), float(b)) for a, b in pairwise(edges)], dtype=dtype).reshape(len(edges) - 1, -1)


def _kernel(held: Shaped[Array, "three s x y z"], problem: Problem, dt: np.floating, forced: Shaped[Array, "steps f"]) -> None:
    reaction, where = problem.reaction, (problem.faces, problem.on.runs, (dt, problem.stages.astype(held.dtype)))
    if reaction.rate is logistic_rate:
        kernels.advance_logistic(held[:, 0], *where, problem.table, forced)
    else:
        many = reaction.species > 1
        kernels.advance_of(reaction.rate, len(reaction.parameters), many)(held if many else held[:, 0], *where, problem.table, forced)


def _times(t: Times) -> Float[Array, "times"]:
    found = np.atleast_1d(np.asarray(t, dtype=np.float64))
    if found.ndim != 1 or found.size == 0 or not np.isfinite(found).all() or (found < 0).any() or (np.diff(found) < 0).any():
        raise RangeError("times that are none, negative, not finite or out of order", where=WHERE, remedy="give times ≥ 0 in order")
    return found


def _start(u0: Shaped[Array, "..."], on: Domain, reaction: Reaction) -> Shaped[Array, "s x y z"]:
    """The field at 0 with a leading axis of species, in the precision it was given in."""
    given = np.asarray(u0)
    field = given if given.ndim == 4 else given[None]
    if field.shape != (reaction.species, *on.shape):
        remedy = f"give {(reaction.species, *on.shape)}, or without the first when there is one species"
        raise GeometryError(f"a field of shape {given.shape}", where=WHERE, remedy=remedy)
    field = field.astype(np.float64 if given.dtype == np.float64 else np.float32)
    inside = on.leave(on.inside)
    if not np.isfinite(field[:, inside]).all() or (field[:, inside] < 0).any():
        raise RangeError("a field that is negative or not finite in the mask", where=WHERE, remedy="give zero or more in every voxel")
    return np.where(inside, field, field.dtype.type(0))


def _warn_if_coarse(problem: Problem, diffusivity: Diffusivity, most: float) -> None:
    """Semi-discrete fronts are 4 % fast at h √(k/D) = 1 and 35 % at 4.5."""
    slowest = np.asarray(diffusivity, dtype=np.float64)
    slowest = slowest[slowest > 0]
    steep = problem.reaction.steepest(min(most, 1.0)) if problem.reaction.rate is logistic_rate else 0.0
    if not slowest.size or steep <= 0:
        return
    ratio = float(problem.on.spacing_mm[[n > 3 for n in problem.on.inside.shape]].max(initial=0.0)) * np.sqrt(steep / float(slowest.max()))
    if ratio > 1.0 + 1e-9:
        warnings.warn(f"the grid is coarse for its front: h √(k/D) = {ratio:.2f} > 1; fronts run too fast, use a finer grid", stacklevel=4)
