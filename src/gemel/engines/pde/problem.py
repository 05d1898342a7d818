"""All that a step needs, checked and put as the kernels read it, and the longest step that is stable."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Shaped

from gemel.core.errors import GeometryError, RangeError
from gemel.core.image import Array
from gemel.core.number import number
from gemel.engines.pde import march
from gemel.engines.pde.domain import WHERE, Domain
from gemel.engines.pde.faces import Diffusivity, Faces, checked_number, faces, largest_loss
from gemel.engines.pde.given import given
from gemel.engines.pde.reaction import LOGISTIC, Reaction, standard_rate, tabled
from gemel.engines.pde.tensors.links import Links, is_tensor, links

SAFETY = 0.9  # of the stable step
FINE = 0.1  # the steepest reaction times the step
ROOT3 = 3.0**0.5
MARGIN = 1.0 + 1e-6  # conductances are rounded to float32


@dataclass(frozen=True)
class Problem:
    """Grid, conductances (of each species, or of a tensor) to be taken `scale` times, reaction, its table, and the longest stable step."""

    on: Domain
    faces: Faces | Links
    scale: float
    reaction: Reaction
    table: Shaped[Array, "p x y z"]
    longest: float
    stages: Float[Array, "stages"]

    @property
    def dtype(self) -> Any:
        return self.table.dtype

    def values(self) -> Any:
        """Parameters of a reaction of one species, as `march` reads them: numbers, or maps (p, x, plane)."""
        flat = self.table.reshape(*self.table.shape[:2], -1)
        if self.reaction.rate is not standard_rate:
            return flat
        which = None if self.reaction.which == LOGISTIC else True
        return (which, *(flat[:, 0, 0] if flat[0].size == 1 else flat))


@dataclass(frozen=True)
class Conductances:
    """Of a diffusivity on a grid, of D = 1 and its scale where that is one number; `loss`: the largest sum of those of a voxel."""

    on: Domain
    faces: Faces | Links
    scale: float
    loss: float


def conductances(on: Domain, diffusivity: Diffusivity, species: int, dtype: type) -> Conductances:
    """Of one species (a number, a field, tensors), or of each of several. Raises as `solve`."""
    D = given(diffusivity, "diffusivity")
    if species == 1 and is_tensor(D, on):
        joined = links(D, on, dtype)
        return Conductances(on, joined, 1.0, joined.largest_loss())
    single = species == 1 and D.ndim == 0
    values = [np.ones(())] if single else list(D) if D.ndim in (1, 4) else [D] * species
    if len(values) != species:
        found = f"diffusivities of {len(values)} species, a reaction of {species}"
        raise GeometryError(found, where=WHERE, remedy="give one for each")
    each = [faces(value, on, dtype) for value in values]
    loss = max(largest_loss(one, on.runs) for one in each)
    wx, wy, wz = each[0] if species == 1 else (np.stack(axis) for axis in zip(*each))
    return Conductances(on, (wx, wy, wz), checked_number(D) if single else 1.0, loss)


def problem(by: Conductances, reaction: Reaction, most: float, how: tuple[type, int]) -> Problem:
    """Of a field of up to `most`; how: precision and order. Raises as `solve`."""
    dtype, order = how
    if order not in (1, 2, 3):
        raise RangeError(f"an order of {order!r}", where=WHERE, remedy="use 1, 2 or 3")
    total = 2.0 * by.scale * by.loss + reaction.steepest(most)
    longest = 2.0 / total if total > 0 else np.inf
    return Problem(by.on, by.faces, by.scale, reaction, tabled(reaction, by.on, dtype), longest, march.STAGES[order])


def chosen_step(problem: Problem, most: float, dt: float | None) -> float:
    """The step to aim at. Raises RangeError for one by hand that is not stable.

    Eighths of an octave: parameters a little other mean the same steps, so that the run is a smooth function of them; and over √3, so
    that no whole number of days is a whole number of steps.
    """
    if dt is None:
        steep = problem.reaction.steepest(most)
        aim = min(SAFETY * problem.longest, FINE / steep if steep > 0 else np.inf)
        return float(2.0 ** (np.floor(8.0 * np.log2(aim * ROOT3)) / 8.0) / ROOT3) if aim < np.inf else aim
    dt = number(dt, "dt")
    if not 0 < dt <= problem.longest * MARGIN:
        raise RangeError(
            f"a step of {dt!r}", where=WHERE, remedy=f"use a step over 0 and up to the stable one, {problem.longest:.6g}, or leave it out"
        )
    return dt
