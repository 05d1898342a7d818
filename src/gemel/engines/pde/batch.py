"""Many runs over one grid side by side, of which only functionals are kept: draws of an ensemble, schedules to choose from."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numba
import numpy as np
from jaxtyping import Float, Shaped

from gemel.core.errors import InputError, RangeError
from gemel.core.image import Array
from gemel.core.number import number
from gemel.engines.pde.domain import WHERE, domain
from gemel.engines.pde.events import Happening
from gemel.engines.pde.faces import Diffusivity
from gemel.engines.pde.given import given, precision
from gemel.engines.pde.problem import Conductances, conductances
from gemel.engines.pde.reaction import Reaction, checked_reaction
from gemel.engines.pde.solve import Spacing, Times, carry_out, checked_start, planned
from gemel.engines.pde.stepping import stepping
from gemel.engines.pde.tensors.links import Links

Keep = Callable[[Array], "Array | float"]
"""Of a field (x, y, z): what is kept of it, a number or an array of fixed shape."""


@dataclass(frozen=True)
class Draw:
    """What one run has of its own: reaction, a factor on the diffusivity, events, and a `keep` in place of that of all."""

    reaction: Reaction
    scale: float = 1.0
    events: tuple[Happening, ...] = ()
    keep: Keep | None = None


def solve_many(
    u0: Shaped[Array, "..."],
    mask: Shaped[Array, "..."],
    spacing_mm: Spacing,
    diffusivity_mm2_d: Diffusivity,
    draws: Sequence[Draw],
    t_days: Times,
    keep: Keep,
    dt_days: float | None = None,
    *,
    order: int = 3,
) -> Float[Array, "draws times ..."]:
    """`keep(u)` at each of `t_days` of one run of `solve` for each of `draws`, from u0, or the u0 of each draw on a leading axis.

    Each run on a thread of its own (with tensors one after the other, all threads on each), what they share set up once; memory of two
    fields a thread; the same whatever the number of threads. `keep` sees a run's times in order.
    Raises as `solve`; InputError for no draws or several species.
    """
    on, first = domain(mask, spacing_mm), given(u0, "u0")
    by = conductances(on, diffusivity_mm2_d, 1, precision(first))
    draws = _checked(draws, keep)
    if not draws or any(draw.reaction.species > 1 for draw in draws):
        raise InputError("no draws, or some of several species", where=WHERE, remedy="use `solve` for each of those")
    starts = [first] * len(draws) if first.ndim == 3 else list(first)
    if len(starts) != len(draws):
        raise InputError(f"{len(starts)} fields for {len(draws)} draws", where=WHERE, remedy="give one, or one a draw")

    def one(start: Array, draw: Draw) -> Array:
        return _kept(start, _scaled(by, draw.scale), draw, (t_days, dt_days, order), draw.keep or keep)

    if isinstance(by.faces, Links):
        return np.stack(list(map(one, starts, draws)))
    found = [one(starts[0], draws[0])]  # compiles before threads begin
    with ThreadPoolExecutor(numba.get_num_threads()) as pool:
        found += pool.map(one, starts[1:], draws[1:])
    return np.stack(found)


def _checked(draws: Sequence[Draw], keep: Keep) -> list[Draw]:
    strangers = [draw for draw in draws if not isinstance(draw, Draw)]
    if strangers or not callable(keep):
        raise InputError(
            f"a draw {strangers[:1]!r:.60} or keep = {keep!r:.60}", where=WHERE, remedy="give `Draw`s, and a function of a field"
        )
    return [replace(draw, reaction=checked_reaction(draw.reaction), scale=number(draw.scale, "scale")) for draw in draws]


def _scaled(by: Conductances, scale: float) -> Conductances:
    if not 0 <= scale < np.inf:
        raise RangeError(f"a diffusivity times {scale!r}", where=WHERE, remedy="give a finite factor of zero or more")
    if isinstance(by.faces, Links):
        joined = replace(by.faces, weights=by.faces.weights * by.faces.weights.dtype.type(scale))
        return replace(by, faces=joined, loss=by.loss * scale)
    return replace(by, scale=by.scale * scale)


def _kept(start: Array, by: Conductances, draw: Draw, how: tuple[Times, float | None, int], keep: Keep) -> Float[Array, "times ..."]:
    t_days, dt_days, order = how
    run = planned(checked_start(start, by.on, draw.reaction), by, draw.reaction, (t_days, draw.events, dt_days), order)
    found: list[Array] = []

    def see(which: slice, field: Shaped[Array, "x y z"]) -> None:
        found.extend([np.asarray(keep(by.on.leave(field)))] * (which.stop - which.start))

    carry_out(run, stepping(run.of, alone=True), see)
    if not np.isfinite(found[-1]).all():
        raise RangeError("values no longer finite", where=WHERE, remedy="check `steepest` of the reaction, and `keep`")
    return np.stack(found)
