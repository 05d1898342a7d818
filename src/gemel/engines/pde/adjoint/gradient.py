"""The exact derivative of a discrete run by all that went into it, by going back through its steps."""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Shaped

from gemel.core.errors import GeometryError, InputError, RangeError
from gemel.core.image import Array
from gemel.core.number import number
from gemel.engines.pde.adjoint.backward import Back
from gemel.engines.pde.adjoint.derivatives import Gradient
from gemel.engines.pde.adjoint.tape import Stretch, branches, forward, moves, parted, stretches, tape, unseen
from gemel.engines.pde.course import Output
from gemel.engines.pde.domain import WHERE
from gemel.engines.pde.events import Happening
from gemel.engines.pde.faces import Diffusivity
from gemel.engines.pde.given import given
from gemel.engines.pde.reaction import Reaction
from gemel.engines.pde.solve import Spacing, Times, prepared, ways
from gemel.engines.pde.stepping import stepping
from gemel.engines.pde.tensors.links import Links

Misfit = Callable[[Array], tuple[float, Array]]
"""Of what `solve` gives: the value, and its derivative by each element."""


def gradient(
    u0: Shaped[Array, "x y z"],
    mask: Shaped[Array, "..."],
    spacing_mm: Spacing,
    diffusivity_mm2_d: Diffusivity,
    reaction: Reaction | None,
    t_days: Times,
    misfit: Misfit | Shaped[Array, "times x y z"],
    events: Sequence[Happening] = (),
    dt_days: float | None = None,
    *,
    order: int = 3,
    memory_MB: float = 4096.0,
) -> tuple[float, Gradient]:
    """Value and gradient of `misfit` of what `solve` gives for the same arguments; an array is taken for a linear misfit, its cotangent.

    The discrete adjoint of the very steps, through every date: it equals central differences to rounding, however many times are asked
    for. The steps are held fixed; without `dt_days` they change by eighths of an octave where parameters move far. One species,
    diffusivity a number or a field. It costs two runs and the way back, and keeps about 2 √(N (order + 1)) fields for N steps; where these
    are more than `memory_MB`, a run more for each further level of checkpoints. Griewank & Walther 2008, Evaluating derivatives, chapters
    3 and 12. Raises as `solve`; InputError for several species, a reaction without `slope` or a misfit that gives no pair, GeometryError
    for a cotangent of another shape, RangeError for a memory that is too small.
    """
    run = prepared(u0, (mask, spacing_mm, diffusivity_mm2_d, reaction), (t_days, events, dt_days), order)
    if run.of.reaction.species > 1 or run.of.reaction.slope is None or isinstance(run.of.faces, Links):
        raise InputError(
            "a gradient of several species, of a tensor or of a reaction without slope", where=WHERE, remedy="give one species, and `slope`"
        )
    first, by = run.of.on.enter(run.start[0]), ways(run, stepping(run.of))
    on_tape = tape(moves(run.acts), len(run.of.stages), _fields(memory_MB, first))
    over = stretches(run.acts, on_tape.moves)
    branching, levels = branches(len(over), on_tape.levels), on_tape.levels
    parts = parted(over, branching, levels)
    found = np.empty((len(run.times), *run.start.shape[1:]), dtype=first.dtype)

    def see(act: Output, field: Shaped[Array, "..."]) -> None:
        found[act.first : act.last] = run.of.on.leave(field)

    kept = forward((first, np.zeros_like(first)), parts, by, see)
    value, cotangent = _judged(misfit, found)
    back = Back(run, by, events, diffusivity_mm2_d, cotangent)
    _back(back, (parts, kept), (branching, levels))
    return value, back.found()


def _back(back: Back, of: tuple[list[list[Stretch]], list[Array]], tree: tuple[int, int]) -> None:
    """Through parts from the last to the first, each from the field before it; parts of several stretches are run again to part them."""
    parts, kept = of
    branching, levels = tree
    while parts:
        part, start = parts.pop(), kept.pop()
        if len(part) == 1:
            back.through(part[0], start)
            continue
        finer = parted(part, branching, levels - 1)
        _back(back, (finer, forward((start, np.zeros_like(start)), finer, back.ways, unseen)), (branching, levels - 1))


def _fields(memory_MB: float, one: Shaped[Array, "..."]) -> int:
    room = number(memory_MB, "memory_MB")
    return int(min(max(room, 0.0) * 1e6 / one.nbytes, 1e12)) if room == room else 0


def _judged(misfit: Misfit | Array, found: Array) -> tuple[float, Array]:
    pair = misfit(found) if callable(misfit) else (None, misfit)
    if not isinstance(pair, tuple) or len(pair) != 2:
        raise InputError(f"a misfit that gives {pair!r:.60}", where=WHERE, remedy="give its value and its derivative by each element")
    value, cotangent = pair[0], given(pair[1], "cotangent")
    if cotangent.shape != found.shape:
        raise GeometryError(f"a cotangent of shape {cotangent.shape} for {found.shape}", where=WHERE, remedy="give one for each element")
    if not np.isfinite(cotangent).all():
        raise RangeError("a cotangent that is not finite", where=WHERE, remedy="check the misfit where the field is zero")
    return float(np.vdot(cotangent.astype(np.float64), found) if value is None else value), cotangent.astype(found.dtype)
