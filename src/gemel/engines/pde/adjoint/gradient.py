"""The exact derivative of a discrete run by all that went into it, by going back through its steps."""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Shaped

from gemel.core.errors import GeometryError, InputError, RangeError
from gemel.core.image import Array
from gemel.engines.pde.adjoint.backward import Back
from gemel.engines.pde.adjoint.derivatives import Gradient
from gemel.engines.pde.adjoint.tape import forward, stretches
from gemel.engines.pde.course import Output
from gemel.engines.pde.domain import WHERE
from gemel.engines.pde.events import Happening
from gemel.engines.pde.faces import Diffusivity
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
) -> tuple[float, Gradient]:
    """Value and gradient of `misfit` of what `solve` gives for the same arguments; an array is taken for a linear misfit, its cotangent.

    The discrete adjoint of the very steps, through every date: it equals central differences to rounding, however many times are asked
    for. The length of the steps is held fixed. One species, diffusivity a number or a field. It costs two runs and the way back, in
    memory about 2 √(N (order + 1)) fields for N steps. Griewank & Walther 2008, Evaluating derivatives, chapters 3 and 12.
    Raises as `solve`; InputError for several species or a reaction without `slope`, GeometryError for a cotangent of another shape.
    """
    run = prepared(u0, (mask, spacing_mm, diffusivity_mm2_d, reaction), (t_days, events, dt_days), order)
    if run.of.reaction.species > 1 or run.of.reaction.slope is None or isinstance(run.of.faces, Links):
        raise InputError(
            "a gradient of several species, of a tensor or of a reaction without slope", where=WHERE, remedy="give one species, and `slope`"
        )
    over, by = stretches(run.acts, len(run.of.stages)), ways(run, stepping(run.of))
    first = run.of.on.enter(run.start[0])
    found = np.empty((len(run.times), *run.start.shape[1:]), dtype=first.dtype)

    def see(act: Output, field: Shaped[Array, "..."]) -> None:
        found[act.first : act.last] = run.of.on.leave(field)

    kept = forward((first, np.zeros_like(first)), over, by, see)
    value, cotangent = _judged(misfit, found)
    back = Back(run, by, events, diffusivity_mm2_d, cotangent)
    for stretch, start in zip(reversed(over), reversed(kept)):
        back.through(stretch, start)
    return value, back.found()


def _judged(misfit: Misfit | Array, found: Array) -> tuple[float, Array]:
    value, given = misfit(found) if callable(misfit) else (None, misfit)
    cotangent = np.asarray(given)
    if cotangent.shape != found.shape:
        raise GeometryError(f"a cotangent of shape {cotangent.shape} for {found.shape}", where=WHERE, remedy="give one for each element")
    if not np.isfinite(cotangent).all():
        raise RangeError("a cotangent that is not finite", where=WHERE, remedy="check the misfit where the field is zero")
    return float(np.vdot(cotangent.astype(np.float64), found) if value is None else value), cotangent.astype(found.dtype)
