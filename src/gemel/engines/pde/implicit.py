"""Reaction–diffusion in time by implicit steps: as `solve`, for fine grids and strong diffusion, where stable explicit steps are many."""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float, Shaped

from gemel.core.errors import GeometryError, RangeError
from gemel.core.image import Array
from gemel.engines.pde.course import Fade, Output, Steps, course
from gemel.engines.pde.domain import Domain
from gemel.engines.pde.elliptic import Map, Spacing
from gemel.engines.pde.events import Event, Happening, checked, happen
from gemel.engines.pde.faces import Faces, faces, largest_loss
from gemel.engines.pde.fading import fade, losses
from gemel.engines.pde.implicit_reaction import react
from gemel.engines.pde.implicit_step import PART, Ground, step_of, stepped
from gemel.engines.pde.multigrid import Multigrid
from gemel.engines.pde.reaction import Reaction, tabled
from gemel.engines.pde.solve import Times, prepared

WHERE = "solve_implicit"
Field = Float[Array, "s x y z"]
LEAP, FINE = 20.0, 0.1  # of the stable explicit step; of the steepest reaction's time


def solve_implicit(
    u0: Shaped[Array, "..."],
    mask: Shaped[Array, "..."],
    spacing_mm: Spacing,
    diffusivity_mm2_d: Map,
    reaction: Reaction | None,
    t_days: Times,
    events: Sequence[Happening] = (),
    dt_days: float | None = None,
    *,
    order: int = 2,
    tolerance: float = 1e-9,
) -> Float[Array, "times ..."]:
    """What `solve` gives, with steps of any length: diffusion implicit, reactions in half steps before and after it (Strang 1968).

    `order` 2: TR-BDF2, which damps what it cannot resolve but may undershoot at steep fronts; 1: backward Euler, never below 0. Each
    step to a residual of `tolerance`, and with an exact balance. Without `dt_days` steps are 20 times the stable explicit one, or a
    tenth of the steepest reaction's time. Raises as `solve`.
    """
    run = prepared(u0, (mask, spacing_mm, 0.0, reaction), (t_days, events, None), 1)
    if order not in PART or (dt_days is not None and not 0 < dt_days < np.inf):
        raise RangeError(f"an order of {order!r} or a step of {dt_days!r}", where=WHERE, remedy="use 1 or 2, and a step over 0")
    on, of = run.of.on, run.of.reaction
    conducting = _faces(diffusivity_mm2_d, on, of.species)
    u, inside = on.enter(run.start).astype(np.float64), on.inside
    table = tabled(of, on, np.float64)
    p = table[:, inside] if table[0].size > 1 else table.reshape(len(table), 1)
    aim = dt_days or _aim(conducting, on, of.steepest(float(u.max()) or 1.0))
    happening, lost = checked(events, on, float(run.times[-1])), losses(run.exposures, on, np.dtype(np.float64))
    spread, found = _spreading(conducting, on, order, tolerance), np.empty((len(run.times), *run.start.shape), dtype=run.start.dtype)
    for act in course(run.times, *happening, aim):
        if isinstance(act, Steps):
            u[:, inside] = _half(u[:, inside], of, p, act)
            for n, (start, stop) in enumerate(zip(act.edges()[:-1], act.edges()[1:])):
                spread(u, act.dt)
                last = n == act.count - 1
                u[:, inside] = react(u[:, inside], of, p, ((start + stop) / 2, stop if last else stop + act.dt / 2))
        elif isinstance(act, Fade):
            fade(u, np.asarray(lost.over(act.start, act.stop, u.dtype)))
        elif isinstance(act, Output):
            found[act.first : act.last] = on.leave(u)
        elif isinstance(act, Event):
            happen(act, u, on)
    return found if np.ndim(u0) == 4 else found[:, 0]


def _half(u: Float[Array, "s n"], of: Reaction, p: Float[Array, "p m"], act: Steps) -> Float[Array, "s n"]:
    return react(u, of, p, (act.start, act.start + act.dt / 2))


def _spreading(conducting: list[Faces], on: Domain, order: int, tolerance: float) -> Callable[[Field, float], None]:
    """Diffusion of each species over a step, in place; grids of steps of about one length serve for all of these."""
    kept: dict[tuple[int, int], Multigrid] = {}
    nothing, one, none = np.zeros(on.inside.shape), np.ones(on.inside.shape), np.zeros(on.inside.shape, dtype=bool)

    def spread(u: Field, dt: float) -> None:
        for s, of in enumerate(conducting):
            if any(w.any() for w in of):
                key = (s, round(4 * np.log2(dt)))
                step = step_of(Ground(on, of, nothing, one, none), dt, order, tolerance, kept.get(key))
                kept[key] = step.grids
                u[s] = stepped(step, u[s], nothing)

    return spread


def _faces(diffusivity: Map, on: Domain, species: int) -> list[Faces]:
    given = np.asarray(diffusivity, dtype=np.float64)
    each = list(given) if given.ndim in (1, 4) else [given] * species
    if len(each) != species:
        raise GeometryError(f"diffusivities of {len(each)} species, a reaction of {species}", where=WHERE, remedy="give one for each")
    return [faces(value, on, np.float64) for value in each]


def _aim(conducting: list[Faces], on: Domain, steepest: float) -> float:
    loss = max(largest_loss(of, on.runs) for of in conducting)
    return min(LEAP / loss if loss > 0 else np.inf, FINE / steepest if steepest > 0 else np.inf)
