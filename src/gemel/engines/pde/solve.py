"""Reaction–diffusion in time on a masked grid, with things that happen at exact dates."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Shaped

from gemel.core.errors import GeometryError, RangeError
from gemel.core.image import Array
from gemel.core.number import number, numbers
from gemel.engines.pde.coarse import warn_if_coarse
from gemel.engines.pde.course import Act, Output, Steps, course
from gemel.engines.pde.domain import WHERE, Domain, domain
from gemel.engines.pde.events import Exposure, Happening, checked, most_after
from gemel.engines.pde.faces import Diffusivity
from gemel.engines.pde.fading import losses
from gemel.engines.pde.given import given, precision
from gemel.engines.pde.problem import Conductances, Problem, chosen_step, conductances, problem
from gemel.engines.pde.reaction import Reaction, checked_reaction
from gemel.engines.pde.stepping import Advance, Fields, forced, stepping
from gemel.engines.pde.ways import Ways

Spacing = Shaped[Array, "..."] | tuple[float, ...] | list[float] | float
Times = Shaped[Array, "..."] | Sequence[float] | float | int
MOST_STEPS = 1e7


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
    Events are of a moment (`Event`) or lasting (`Exposure`, its integrals exact). A mask may touch the border of the grid: a wall. What u0
    and D are outside the mask does not matter. Computed in float64 when u0 is float64, else in float32, where the sum of a field that is
    even within 1e-3 of a power of two may drift by 2e-6 in 1,000 steps; the same whatever the number of threads.
    Raises InputError for what is no number, reaction or event, GeometryError, StructureError or RangeError for grids, maps and times that
    cannot be, for a step over the stable one, which it names, and for more than 10⁷ steps. Warns of a grid too coarse for its front,
    h √(k/D) > 1, where fronts run too fast.
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
    reaction = checked_reaction(reaction)
    by = conductances(domain(mask, spacing_mm), diffusivity, reaction.species, np.float64)
    return problem(by, reaction, number(most, "most"), (np.float64, 1)).longest


def prepared(
    u0: Shaped[Array, "..."],
    where: tuple[Shaped[Array, "..."], Spacing, Diffusivity, Reaction | None],
    when: tuple[Times, Sequence[Happening], float | None],
    order: int,
) -> Run:
    """What is asked for, checked and planned; where: mask, spacing, diffusivity, reaction; when: times, events, step. Raises as `solve`."""
    mask, spacing_mm, diffusivity, reaction = where
    on, reaction = domain(mask, spacing_mm), checked_reaction(reaction)
    start = checked_start(u0, on, reaction)
    by = conductances(on, diffusivity, reaction.species, start.dtype.type)
    run = planned(start, by, reaction, when, order)
    warn_if_coarse(on, diffusivity, reaction)
    return run


def planned(
    start: Shaped[Array, "s x y z"],
    by: Conductances,
    reaction: Reaction,
    when: tuple[Times, Sequence[Happening], float | None],
    order: int,
) -> Run:
    """A run over a grid whose conductances are known."""
    times = checked_times(when[0])
    events, exposures = checked(when[1], by.on, float(times[-1]), reaction.species)
    most = most_after(float(start.max()), reaction.full, events)
    of = problem(by, reaction, most, (start.dtype.type, order))
    aim = chosen_step(of, most, when[2])
    require_few(float(times[-1]), aim)
    return Run(of, start, times, tuple(course(times, events, exposures, aim)), exposures)


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
    require_finite(found[-1])
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


def require_finite(u: Shaped[Array, "..."]) -> None:
    """Raises RangeError for a run that has burst."""
    if not np.isfinite(u).all():
        remedy = "growth without a limit (a capacity that is missing, or a negative rate above it), or `steepest` of the reaction too low"
        raise RangeError("values no longer finite", where=WHERE, remedy=remedy)


def require_few(end: float, aim: float) -> None:
    """Raises RangeError for a run that would never end."""
    if end > MOST_STEPS * aim:
        remedy = "check the units of diffusivity, rates and spacing; `solve_implicit` takes steps of any length"
        raise RangeError(f"a run of {end / aim:.1e} steps", where=WHERE, remedy=remedy)


def checked_times(t: Times) -> Float[Array, "times"]:
    """In order, from 0 on. Raises RangeError for others."""
    found = np.atleast_1d(numbers(t, "times"))
    if found.ndim != 1 or found.size == 0 or not np.isfinite(found).all() or (found < 0).any() or (np.diff(found) < 0).any():
        raise RangeError("times that are none, negative, not finite or out of order", where=WHERE, remedy="give times ≥ 0 in order")
    return found


def checked_start(u0: Shaped[Array, "..."], on: Domain, reaction: Reaction) -> Shaped[Array, "s x y z"]:
    """The field at 0 with a leading axis of species, in the precision it was given in."""
    start = given(u0.astype(np.float32) if isinstance(u0, np.ndarray) and u0.dtype.kind == "b" else u0, "u0")
    field = start if start.ndim == 4 else start[None]
    if field.shape != (reaction.species, *on.shape):
        remedy = f"give {(reaction.species, *on.shape)}, or without the first when there is one species"
        raise GeometryError(f"a field of shape {start.shape}", where=WHERE, remedy=remedy)
    found = np.where(on.leave(on.inside), field.astype(precision(start)), np.float32(0))
    if not (np.isfinite(found.min()) and np.isfinite(found.max())) or found.min() < 0:
        raise RangeError("a field that is negative or not finite in the mask", where=WHERE, remedy="give zero or more in every voxel")
    return np.asarray(found)
