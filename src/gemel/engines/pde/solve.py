"""Reaction–diffusion in time on a masked grid, with things that happen at exact dates."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Shaped

from gemel.core.errors import GeometryError, RangeError
from gemel.core.image import Array
from gemel.engines.pde.course import Act, Output, Steps, course
from gemel.engines.pde.domain import WHERE, Domain, domain
from gemel.engines.pde.events import Exposure, Happening, checked
from gemel.engines.pde.faces import Diffusivity
from gemel.engines.pde.fading import losses
from gemel.engines.pde.problem import Conductances, Problem, chosen_step, conductances, problem
from gemel.engines.pde.reaction import Reaction, nothing, standard_rate
from gemel.engines.pde.stepping import Advance, Fields, forced, stepping
from gemel.engines.pde.ways import Ways

Spacing = Shaped[Array, "..."] | tuple[float, ...] | list[float] | float
Times = Shaped[Array, "..."] | Sequence[float] | float | int


@dataclass(frozen=True)
class Run:
    """A problem, the field at 0 (species first, as given), what is done when, and what is lost on the way."""

    of: Problem
    start: Shaped[Array, "s x y z"]
    times: Float[Array, "times"]
    acts: tuple[Act, ...]
    exposures: tuple[Exposure, ...]


def solve(
    u0: Shaped[Array, "..."],
    mask: Shaped[Array, "..."],
    spacing_mm: Spacing,
    diffusivity_mm2_d: Diffusivity,
    reaction: Reaction | None,
    t_days: Times,
    events: Sequence[Happening] = (),
    dt_days: float | None = None,
    *,
    order: int = 3,
) -> Float[Array, "times ..."]:
    """∂u/∂t = ∇·(D ∇u) + r(u) in the mask, no flux through its border, u given at t = 0; u at each of `t_days` (events of that date done).

    Finite volumes with harmonic faces: what leaves a voxel enters its neighbour, so that nothing is made at curved borders. D is one
    number, a field, a tensor (3, 3) or a field of them, (x, y, z, 3, 3) or (x, y, z, 6) as xx, xy, xz, yy, yz, zz (see `tensor.links`), or
    for several species (u0 of four dimensions) one number or field each, on a leading axis. Steps of `order` 1 to 3 in time
    that end on every date; the step is the stable one with margin, or smaller for the reaction, unless `dt_days` is given.
    Events are of a moment (`Event`) or lasting (`Exposure`, its integrals exact). A mask may touch the border of the grid: a wall.
    Computed in float64 when u0 is float64, else in float32; the same whatever the number of threads.
    Raises GeometryError, StructureError or RangeError for grids, maps and times that cannot be, and for a step over the stable one,
    which it names. Warns of a grid too coarse for its front, h √(k/D) > 1, where fronts run too fast.
    """
    return _solved(u0, (mask, spacing_mm, diffusivity_mm2_d, reaction), (t_days, events, dt_days), order)


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
    return _solved(u0, (mask, spacing_mm, diffusivity_mm2_s, reaction), (t_s, (), dt_s), order)


def stable_step(
    mask: Shaped[Array, "..."], spacing_mm: Spacing, diffusivity: Diffusivity, reaction: Reaction | None = None, *, most: float = 1.0
) -> float:
    """The longest stable explicit step, 2/(2 max Σ w + k): h²/(6D + k h²/2) in a uniform volume; u up to `most`. In the unit of D and k."""
    reaction = reaction or nothing()
    by = conductances(domain(mask, spacing_mm), diffusivity, reaction.species, np.float64)
    return problem(by, reaction, most, (np.float64, 1)).longest


def prepared(
    u0: Shaped[Array, "..."],
    where: tuple[Shaped[Array, "..."], Spacing, Diffusivity, Reaction | None],
    when: tuple[Times, Sequence[Happening], float | None],
    order: int,
) -> Run:
    """What is asked for, checked and planned; where: mask, spacing, diffusivity, reaction; when: times, events, step. Raises as `solve`."""
    mask, spacing_mm, diffusivity, reaction = where
    on, reaction = domain(mask, spacing_mm), reaction or nothing()
    start = checked_start(u0, on, reaction)
    by = conductances(on, diffusivity, reaction.species, start.dtype.type)
    run = planned(start, by, reaction, when, order)
    _warn_if_coarse(run.of, diffusivity, float(start.max()))
    return run


def planned(
    start: Shaped[Array, "s x y z"],
    by: Conductances,
    reaction: Reaction,
    when: tuple[Times, Sequence[Happening], float | None],
    order: int,
) -> Run:
    """A run over a grid whose conductances are known."""
    times = _times(when[0])
    events, exposures = checked(when[1], by.on, float(times[-1]))
    most = float(start.max()) + sum(float(np.max(event.added)) for event in events)
    of = problem(by, reaction, most, (start.dtype.type, order))
    return Run(of, start, times, tuple(course(times, events, exposures, chosen_step(of, most, when[2]))), exposures)


def _solved(
    u0: Shaped[Array, "..."],
    where: tuple[Shaped[Array, "..."], Spacing, Diffusivity, Reaction | None],
    when: tuple[Times, Sequence[Happening], float | None],
    order: int,
) -> Float[Array, "times ..."]:
    run = prepared(u0, where, when, order)
    found = np.empty((len(run.times), *run.start.shape), dtype=run.start.dtype)

    def see(which: slice, field: Shaped[Array, "..."]) -> None:
        found[which] = run.of.on.leave(field)

    carry_out(run, stepping(run.of), see)
    if not np.isfinite(found[-1]).all():
        raise RangeError("values no longer finite", where=WHERE, remedy="check `steepest` of the reaction: the step is too long for it")
    return found if np.ndim(u0) == 4 else found[:, 0]


def carry_out(run: Run, advance: Advance, see: Callable[[slice, Array], None]) -> None:
    """Act by act; `see` what is asked for (which of the times, and the padded field)."""
    first = run.of.on.enter(run.start)
    fields = (first, np.zeros_like(first)) if run.of.reaction.species > 1 else (first[0], np.zeros_like(first[0]))
    by = ways(run, advance)
    for act in run.acts:
        fields = by.act(act, fields)
        if isinstance(act, Output):
            see(slice(act.first, act.last), fields[0])


def ways(run: Run, advance: Advance) -> Ways:
    """Steps by `advance`, with the forcings of the run."""

    def move(steps: Steps, fields: Fields) -> Fields:
        return advance(fields, steps.dt, forced(run.of.reaction, steps.edges(), run.start.dtype))

    return Ways(run.of.on, losses(run.exposures, run.of.on, run.start.dtype), move)


def _times(t: Times) -> Float[Array, "times"]:
    found = np.atleast_1d(np.asarray(t, dtype=np.float64))
    if found.ndim != 1 or found.size == 0 or not np.isfinite(found).all() or (found < 0).any() or (np.diff(found) < 0).any():
        raise RangeError("times that are none, negative, not finite or out of order", where=WHERE, remedy="give times ≥ 0 in order")
    return found


def checked_start(u0: Shaped[Array, "..."], on: Domain, reaction: Reaction) -> Shaped[Array, "s x y z"]:
    """The field at 0 with a leading axis of species, in the precision it was given in."""
    given = np.asarray(u0)
    field = given if given.ndim == 4 else given[None]
    if field.shape != (reaction.species, *on.shape):
        remedy = f"give {(reaction.species, *on.shape)}, or without the first when there is one species"
        raise GeometryError(f"a field of shape {given.shape}", where=WHERE, remedy=remedy)
    found = np.where(on.leave(on.inside), field.astype(np.float64 if given.dtype == np.float64 else np.float32), np.float32(0))
    if not (np.isfinite(found.min()) and np.isfinite(found.max())) or found.min() < 0:
        raise RangeError("a field that is negative or not finite in the mask", where=WHERE, remedy="give zero or more in every voxel")
    return np.asarray(found)


def _warn_if_coarse(of: Problem, diffusivity: Diffusivity, most: float) -> None:
    """Semi-discrete fronts are 4 % fast at h √(k/D) = 1 and 35 % at 4.5."""
    given = np.asarray(diffusivity)
    fastest = float(np.max(given, where=given > 0, initial=0.0))
    steep = of.reaction.steepest(min(most, 1.0)) if of.reaction.rate is standard_rate and not of.reaction.which else 0.0
    if not fastest > 0 or steep <= 0:
        return
    ratio = float(of.on.spacing_mm[[n > 3 for n in of.on.inside.shape]].max(initial=0.0)) * np.sqrt(steep / fastest)
    if ratio > 1.0 + 1e-9:
        warnings.warn(f"the grid is coarse for its front: h √(k/D) = {ratio:.2f} > 1; fronts run too fast, use a finer grid", stacklevel=5)
