"""What a flow carries through a porous medium: φ ∂c/∂t + ∇·(v c) = ∇·(φ D ∇c) − k φ c + q on a masked grid."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from gemel.core.errors import RangeError
from gemel.core.image import Array
from gemel.engines.pde import advection_kernels as kernels
from gemel.engines.pde.elliptic import Map, field, where_held
from gemel.engines.pde.faces import Faces, faces
from gemel.engines.pde.flow import Flow

WHERE = "transport"
Field = Float[Array, "..."]
SAFETY, MOST_SWEEPS = 0.9, 200
STAGES = {1: (1.0,), 2: (1.0, 0.5)}


@dataclass(frozen=True)
class Medium:
    """porosity φ (part of the volume in which c is dissolved), diffusivity D (mm²/s), loss k (1/s): numbers or maps.

    `open`: voxels into which things leave and from which nothing comes back (where the pressure is held). `source` q: amount a volume
    of tissue and second.
    """

    porosity: Map = 1.0
    diffusivity_mm2_s: Map = 0.0
    loss_1_s: Map = 0.0
    open: Shaped[Array, "x y z"] | None = None
    source: Map = 0.0


@dataclass(frozen=True)
class Carried:
    """c (amount a volume of pores) at each time, and the amounts (c times mm³) that until then were given, lost, and have left."""

    c: Float[Array, "times x y z"]
    held: Float[Array, "times"]
    given: Float[Array, "times"]
    lost: Float[Array, "times"]
    left: Float[Array, "times"]


@dataclass(frozen=True)
class _Way:
    """All that a step needs; `order`: the fast voxels from high to low pressure, gone through in up to so many `sweeps` a step."""

    flow: Flow
    of: tuple[Array, ...]
    spreading: Faces
    order: Int[Array, "fast 3"]
    sweeps: int
    dt: float


def transport(flow: Flow, medium: Medium, *, t_s: Shaped[Array, "times"], c0: Map = 0.0, order: int = 2, fast: float = 0.01) -> Carried:
    """c at each of `t_s` from c0 at 0, by conservative volumes.

    By the wind (`order` 1), or with van Leer's limited slopes and Heun's steps (2), neither below zero; spreading in half steps before
    and after (Strang). The step is that of the slowest flowing (1 − `fast`) of the voxels; the others, near sources, and all
    upstream of them, take implicit steps in the order of pressure, by the wind.
    Raises RangeError for a porosity not over 0, an order other than 1 or 2, times out of order; GeometryError for other grids.
    """
    times = np.atleast_1d(np.asarray(t_s, dtype=np.float64))
    if not np.isfinite(times).all() or (times < 0).any() or (np.diff(times) < 0).any() or order not in STAGES or not 0 <= fast < 1:
        raise RangeError("times, an order or a part of fast voxels that cannot be", where=WHERE, remedy="give times ≥ 0 in order, 1 or 2")
    on = flow.on
    way = _way(flow, medium, fast)
    c = field(c0, on, "c0") * (way.of[3] % 2 == 1)
    volume, tally = float(np.prod(on.spacing_mm)), np.zeros(2)
    found, counts, before = np.zeros((len(times), *on.shape)), np.zeros((4, len(times))), 0.0
    for n, now in enumerate(times):
        steps = int(np.ceil((now - before) / way.dt)) if now > before else 0
        for _ in range(steps):
            c, amounts = _step(c, replace(way, dt=(now - before) / steps), STAGES[order])
            tally += amounts
        found[n], before = on.leave(c), now
        counts[:, n] = volume * np.array([(c * way.of[4]).sum(), now * way.of[6].sum(), *tally])
    return Carried(found, counts[0], counts[1], counts[2], counts[3])


def _step(c: Field, way: _Way, stages: tuple[float, ...]) -> tuple[Field, Float[Array, "2"]]:
    """One step, and what was lost and what left in it."""
    runs, dt, of = way.flow.on.runs, way.dt, way.of
    spreads, tally = any(w.any() for w in way.spreading), np.zeros(2)
    if spreads:
        old, c = c, np.zeros_like(c)
        tally[1] += dt / 2 * kernels.spread(old, c, way.spreading, of, runs, dt / 2).sum()
    tally += dt * kernels.rush(c, way.order, of, dt, way.sweeps)
    u, v, slope = c, c, np.zeros((3, *c.shape))
    for b in stages:
        if len(stages) > 1:
            kernels.slopes(v, of[3], slope, runs)
        out = np.zeros_like(c)
        tally += dt / len(stages) * kernels.carry(u, v, out, slope, of, runs, (b, dt)).sum(axis=0)
        v = out
    if spreads:
        old, v = v, np.zeros_like(c)
        tally[1] += dt / 2 * kernels.spread(old, v, way.spreading, of, runs, dt / 2).sum()
    return v, tally


def _way(flow: Flow, medium: Medium, fast: float) -> _Way:
    on = flow.on
    source = field(medium.source, on, "source")
    porosity, loss = field(medium.porosity, on, "porosity"), field(medium.loss_1_s, on, "loss")
    if not (porosity[on.inside] > 0).all():
        raise RangeError("a porosity not over zero", where=WHERE, remedy="give a part of the volume, over 0 and up to 1")
    kind = on.inside.astype(np.int8)
    kind[on.enter(where_held(medium.open, on))] = kernels.OPEN
    diffusivity = np.asarray(medium.diffusivity_mm2_s, dtype=np.float64)
    spreading = faces(diffusivity * on.leave(porosity), on, np.float64)
    goes, spreads = _outflow(flow.faces), np.zeros_like(porosity)
    for axis, w in enumerate(spreading):
        spreads += w + np.roll(w, -1, axis)
    inside = kind == kernels.FREE
    rate = np.where(inside, 2.0 * goes / np.where(inside, porosity, 1.0) + loss, 0.0)
    order = _fast(flow, inside, rate, fast)
    kind[tuple(order.T)] = kernels.FAST
    most = max(float(rate[kind == kernels.FREE].max(initial=0.0)), float((spreads[inside] / porosity[inside]).max(initial=0.0)) / 2)
    sweeps, dt = 1 if kernels.downstream(order, inside.shape, flow.faces) else MOST_SWEEPS, SAFETY / most if most > 0 else np.inf
    return _Way(flow, (*flow.faces, kind, porosity, loss, source * inside), spreading, order, sweeps, dt)


def _fast(flow: Flow, inside: Bool[Array, "x y z"], rate: Field, part: float) -> Int[Array, "fast 3"]:
    """The fastest part of the voxels with all upstream of them, from high to low pressure."""
    slow = float(np.quantile(rate[inside], 1.0 - part)) if part and inside.any() else np.inf
    quick, voxels = rate > slow * (1 + 1e-9), np.argwhere(inside)
    order = voxels[np.argsort(flow.pressure[inside], kind="stable")]
    while kernels.feed(quick, order, flow.faces):
        pass
    return np.ascontiguousarray(order[quick[tuple(order.T)]][::-1])


def _outflow(through: Faces) -> Field:
    """Volume that leaves each voxel a volume and second."""
    found = np.zeros_like(through[0])
    for axis, flux in enumerate(through):
        found += np.maximum(-flux, 0.0) + np.roll(np.maximum(flux, 0.0), -1, axis)
    return found
