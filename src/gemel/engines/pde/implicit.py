"""Reaction–diffusion in time by implicit steps: as `solve`, for fine grids and strong diffusion, where stable explicit steps are many."""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float, Shaped

from gemel.core.errors import GeometryError, InputError, RangeError
from gemel.core.image import Array
from gemel.core.number import number
from gemel.engines.pde.coarse import warn_if_coarse
from gemel.engines.pde.course import Fade, Output, Steps, course
from gemel.engines.pde.domain import Domain, domain
from gemel.engines.pde.elliptic import Map, Spacing
from gemel.engines.pde.events import Event, Happening, checked, happen
from gemel.engines.pde.faces import Faces, faces, largest_loss
from gemel.engines.pde.fading import fade, losses
from gemel.engines.pde.given import given
from gemel.engines.pde.implicit_reaction import react
from gemel.engines.pde.implicit_step import Ground, step_of, stepped
from gemel.engines.pde.multigrid import Multigrid
from gemel.engines.pde.reaction import Reaction, checked_reaction, tabled
from gemel.engines.pde.solve import Times, checked_start, checked_times, require_few
from gemel.engines.pde.tensors.links import is_tensor

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
    on, of = domain(mask, spacing_mm), checked_reaction(reaction)
    start, times = checked_start(u0, on, of), checked_times(t_days)
    dt_days, tolerance = None if dt_days is None else number(dt_days, "dt_days"), number(tolerance, "tolerance")
    if order not in (1, 2) or (dt_days is not None and not 0 < dt_days < np.inf) or not 0 < tolerance < 1:
        asked = f"an order of {order!r}, a step of {dt_days!r} or a tolerance of {tolerance!r}"
        raise RangeError(asked, where=WHERE, remedy="use 1 or 2, a step over 0, a tolerance of 0 to 1")
    conducting = _faces(diffusivity_mm2_d, on, of.species)
    warn_if_coarse(on, diffusivity_mm2_d, of)
    u, inside = on.enter(start).astype(np.float64), on.inside
    table = tabled(of, on, np.float64)
    p = table[:, inside] if table[0].size > 1 else table.reshape(len(table), 1)
    aim = dt_days or _aim(conducting, on, of.steepest(float(u.max()) or 1.0))
    happening = checked(events, on, float(times[-1]), of.species)
    lost = losses(happening[1], on, np.dtype(np.float64))
    require_few(float(times[-1]), aim)
    spread, found = _spreading(conducting, on, order, tolerance), np.empty((len(times), *start.shape), dtype=start.dtype)
    for act in course(times, *happening, aim):
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
    D = given(diffusivity, "diffusivity")
    if is_tensor(D, on):
        raise InputError("a tensor in implicit steps", where=WHERE, remedy="use `solve`, or a field")
    each = list(D) if D.ndim in (1, 4) else [D] * species
    if len(each) != species:
        raise GeometryError(f"diffusivities of {len(each)} species, a reaction of {species}", where=WHERE, remedy="give one for each")
    return [faces(value, on, np.float64) for value in each]


def _aim(conducting: list[Faces], on: Domain, steepest: float) -> float:
    loss = max(largest_loss(of, on.runs) for of in conducting)
    return min(LEAP / loss if loss > 0 else np.inf, FINE / steepest if steepest > 0 else np.inf)
