"""From one moment to the next: the kernel that serves a problem, and the arrays it works in."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numba
import numpy as np
from jaxtyping import Float, Shaped

from gemel.core.image import Array
from gemel.engines.pde import kernels, march
from gemel.engines.pde.faces import Faces
from gemel.engines.pde.problem import Problem
from gemel.engines.pde.reaction import Reaction, standard_rate
from gemel.engines.pde.spans import GAP, Spans, spans
from gemel.engines.pde.tensors import kernels as linked
from gemel.engines.pde.tensors.links import Links

Fields = tuple[Array, Array]
"""Two of one shape: the present field, and room for the next."""
Advance = Callable[[Fields, float, Array], Fields]
"""Steps of the length given, one for each row of forcings."""


@dataclass(frozen=True)
class Ground:
    """What the kernels of one species read: conductances and parameters by (x, plane), and the spans of the mask."""

    faces: tuple[Array, Array, Array]
    values: Any
    spans: Spans
    scale: Any

    @property
    def where(self) -> tuple[Array, Array, int]:
        return self.spans.table, self.spans.first, self.spans.stride


def ground(of: Problem, conductances: Faces) -> Ground:
    """Of one species."""
    wx, wy, wz = (w.reshape(w.shape[0], -1) for w in conductances)
    return Ground((wx, wy, wz), of.values(), spans(of.on, GAP if of.reaction.still else 0), of.dtype.type(of.scale))


def stepping(of: Problem, *, alone: bool = False) -> Advance:
    """The steps of a problem, as a function; `alone`: on the thread that calls it (one species, no tensors)."""
    if isinstance(of.faces, Links):
        return _of_links(of, of.faces)
    return _of_many(of, of.faces) if of.reaction.species > 1 else _of_one(of, of.faces, alone)


def _of_one(of: Problem, conductances: Faces, alone: bool) -> Advance:
    under, number = ground(of, conductances), of.dtype.type
    slabs = under.spans.slabs(1 if alone else numba.get_num_threads())
    planes = under.faces[0].shape
    rooms = np.zeros((len(slabs) - 1, max(len(of.stages) - 1, 1), 3, planes[1]), dtype=of.dtype)
    kernel, stages = marching(of.reaction, under.values, alone), of.stages.astype(of.dtype)

    def advance(fields: Fields, dt: float, forced: Shaped[Array, "steps f"]) -> Fields:
        present, other = (field.reshape(planes) for field in fields)
        kernel((present, other), under.faces, under.where, slabs, (number(dt), stages, under.scale), under.values, forced, rooms)
        return fields if len(forced) % 2 == 0 else (fields[1], fields[0])

    return advance


def marching(reaction: Reaction, values: Any, alone: bool) -> Any:
    """The kernel for a reaction of one species: kept on disk for the standard ones, compiled once a session for those handed in."""
    if reaction.rate is not standard_rate:
        return march.march_of(reaction.rate, march.values_of(len(reaction.parameters)), not alone)
    if alone:
        return march.alone_maps if np.ndim(values[1]) else march.alone_numbers
    return march.march_maps if np.ndim(values[1]) else march.march_numbers


def _of_many(of: Problem, conductances: Faces) -> Advance:
    kernel, number = kernels.advance_of(of.reaction.rate), of.dtype.type
    stages = of.stages.astype(of.dtype)
    held = np.zeros((3, of.reaction.species, *of.on.inside.shape), dtype=of.dtype)

    def advance(fields: Fields, dt: float, forced: Shaped[Array, "steps f"]) -> Fields:
        held[0] = fields[0]
        kernel(held, conductances, of.on.runs, (number(dt), stages), of.table, forced)
        fields[0][:] = held[0]
        return fields

    return advance


def _of_links(of: Problem, joined: Links) -> Advance:
    values, number, stages = of.values(), of.dtype.type, of.stages.astype(of.dtype)
    over, shape, margin = spans(of.on, GAP if of.reaction.still else 0), of.on.inside.shape, joined.margin
    where = (over.table, over.first, shape[1] * shape[2], margin)
    held = np.zeros((3, joined.weights.shape[1]), dtype=of.dtype)
    inner = slice(margin, margin + of.on.inside.size)
    kernel = linking(of.reaction, values)

    def advance(fields: Fields, dt: float, forced: Shaped[Array, "steps f"]) -> Fields:
        held[0, inner] = fields[0].ravel()
        kernel(held, (joined.weights, joined.offsets, joined.used), where, (number(dt), stages), values, forced)
        fields[0].ravel()[:] = held[0, inner]
        return fields

    return advance


def linking(reaction: Reaction, values: Any) -> Any:
    """`marching` along links."""
    if reaction.rate is not standard_rate:
        return linked.march_of(reaction.rate, march.values_of(len(reaction.parameters)))
    return linked.march_maps if np.ndim(values[1]) else linked.march_numbers


def forced(reaction: Reaction, edges: Float[Array, "edges"], dtype: Any) -> Shaped[Array, "steps f"]:
    """Forcings of each step, their means over it."""
    if reaction.forcing is None:
        return np.zeros((len(edges) - 1, 1), dtype=dtype)
    return np.array([reaction.forcing(float(a), float(b)) for a, b in pairwise(edges)], dtype=dtype).reshape(len(edges) - 1, -1)
