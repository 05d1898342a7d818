"""Going back through a run: what is found on the way, stretch by stretch."""

from collections.abc import Sequence
from typing import Any, cast

import numba
import numpy as np
from jaxtyping import Shaped

from gemel.core.image import Array
from gemel.engines.pde import march
from gemel.engines.pde.adjoint import kernels
from gemel.engines.pde.adjoint.derivatives import EventGradient, ExposureGradient, Gradient
from gemel.engines.pde.adjoint.sums import dot, total
from gemel.engines.pde.adjoint.tape import Stretch
from gemel.engines.pde.course import Act, Fade, Output, Steps
from gemel.engines.pde.events import Amount, Event, Happening, as_field
from gemel.engines.pde.faces import Diffusivity, Faces, by_diffusivity
from gemel.engines.pde.fading import fade
from gemel.engines.pde.reaction import Reaction, standard_rate
from gemel.engines.pde.solve import Run
from gemel.engines.pde.stepping import forced, ground
from gemel.engines.pde.ways import Ways


class Back:
    """The adjoint field `mu`, and sums of all that is asked for."""

    def __init__(self, run: Run, ways: Ways, events: Sequence[Happening], diffusivity: Diffusivity, cotangent: Array) -> None:
        self.run, self.ways, self.events, self.diffusivity, self.cotangent = run, ways, events, diffusivity, cotangent
        of, self.under = run.of, ground(run.of, cast(Faces, run.of.faces))
        self.stages, self.flat, planes = of.stages.astype(of.dtype), self.under.faces[0].shape, len(of.on.inside)
        count, self.slabs = len(of.stages), self.under.spans.slabs(numba.get_num_threads())
        self.keep, self.back = _kernels(of.reaction, self.under.values)
        self.mu = np.zeros((count + 1, *self.flat), dtype=of.dtype)
        self.maps = np.zeros((len(of.reaction.parameters), *self.flat) if self.spread else (1, 1, 1), dtype=of.dtype)
        self.sums, self.total = np.zeros((count, planes, 3), dtype=of.dtype), np.zeros(3)
        self.by_faces = tuple(np.zeros(self.flat, dtype=of.dtype) for _ in range(3)) if np.ndim(diffusivity) else None
        self.of_events: list[EventGradient] = []  # the last first
        self.of_exposures = [_Exposed(one.sensitivity, one.amount, self.flat, of.dtype) for one in run.exposures]
        self.pool: list[Array] = []

    @property
    def spread(self) -> bool:
        """Whether derivatives by parameters are kept as maps."""
        return self.run.of.reaction.rate is not standard_rate or np.ndim(self.under.values[1]) > 0

    def through(self, stretch: Stretch, start: Shaped[Array, "x y z"]) -> None:
        """Forward once more with everything kept, then back."""
        tape = self._kept(stretch, start.reshape(self.flat))
        for act, fields, force in reversed(tape):
            if isinstance(act, Steps):
                self._step(act, fields, force)
            elif isinstance(act, Output):
                self.mu[0] += self.run.of.on.enter(self.cotangent[act.first : act.last].sum(axis=0)).reshape(self.flat)
            elif isinstance(act, Fade):
                self._fade(act, fields[0])
            else:
                self._event(act, fields[0])

    def _kept(self, stretch: Stretch, start: Shaped[Array, "x plane"]) -> list[tuple[Act, Array, Array]]:
        """Each move with the fields before it (and of the stages within it) and its forcings."""
        dtype, number = self.run.of.dtype, self.run.of.dtype.type
        tape: list[tuple[Act, Array, Array]] = []
        self._room(0)[0] = start
        for act in stretch:
            edges = act.edges() if isinstance(act, Steps) else np.zeros(1)
            force = forced(self.run.of.reaction, edges, dtype) if isinstance(act, Steps) else edges
            for n in range(act.count if isinstance(act, Steps) else 1):
                used = sum(not isinstance(one, Output) for one, _, _ in tape)
                fields, after = self._room(used), self._room(used + 1)
                if isinstance(act, Steps):
                    course = (number(act.dt), self.stages, self.under.scale)
                    self.keep(fields, after[0], self.under.faces, self.under.where, self.slabs, course, self.under.values, force[n])
                    tape.append((Steps(float(edges[n]), float(edges[n]) + act.dt, 1), fields, force[n]))
                    continue
                if not isinstance(act, Output):
                    after[0] = fields[0]
                    self.ways.act(act, (after[0].reshape(start.shape[0], *self.run.of.on.inside.shape[1:]), after[0]))
                tape.append((act, fields, force))
        return tape

    def _room(self, index: int) -> Shaped[Array, "stages x plane"]:
        while len(self.pool) <= index:
            self.pool.append(np.zeros((len(self.stages), *self.flat), dtype=self.run.of.dtype))
        return self.pool[index]

    def _step(self, act: Steps, fields: Shaped[Array, "stages x plane"], force: Shaped[Array, "f"]) -> None:
        course = (self.run.of.dtype.type(act.dt), self.stages, self.under.scale)
        args = (self.under.faces, self.under.where, course, self.under.values, force)
        self.back(self.mu, fields, *args, self.maps, self.sums)
        self.total += self.sums.sum(axis=(0, 1), dtype=np.float64)
        if self.by_faces is not None:
            for n, b in enumerate(self.stages[::-1]):
                kernels.by_faces(self.mu[n], fields[len(self.stages) - 1 - n], self.by_faces, self.under.where, b * course[0])
        self.mu[0] = self.mu[-1]

    def _fade(self, act: Fade, before: Shaped[Array, "x plane"]) -> None:
        mu = self.mu[0].reshape(self.run.of.on.inside.shape)
        fade(mu, self.ways.losses.over(act.start, act.stop, self.run.of.dtype))
        product = self.mu[0] * before if any(one.ndim for one in self.ways.losses.sensitivity) else None
        whole = dot(self.mu[0], before)
        for exposure, sensitivity, found in zip(self.run.exposures, self.ways.losses.sensitivity, self.of_exposures):
            amount = exposure.integral(act.start, act.stop)
            found.lose(product if sensitivity.ndim else whole, amount)
            pull = -dot(sensitivity.reshape(before.shape), cast(Array, product)) if sensitivity.ndim else -float(sensitivity) * whole
            found.amount += pull * exposure.integrals(act.start, act.stop)
            found.decay += pull * exposure.integral_by_decay(act.start, act.stop)

    def _event(self, act: Event, before: Shaped[Array, "x plane"]) -> None:
        on = self.run.of.on
        mu = self.mu[0].reshape(on.inside.shape)
        added = on.leave(mu) if np.ndim(act.added) else total(mu)
        if np.ndim(act.survival) or act.survival != 1:
            mu *= as_field(act.survival, on, mu.dtype)
        along = tuple(self._contracted(before, direction) for direction in act.log_survival_by)
        if along:
            kept: Amount | None = None
        else:
            kept = on.leave(mu * before.reshape(mu.shape)) if np.ndim(act.survival) else dot(mu, before)
        self.of_events.append(EventGradient(kept, added, along))

    def _contracted(self, before: Shaped[Array, "x plane"], direction: Amount) -> float:
        if np.ndim(direction) == 0:
            return float(np.asarray(direction)) * dot(self.mu[0], before)
        return dot(self.mu[0] * before, as_field(direction, self.run.of.on, before.dtype))

    def found(self) -> Gradient:
        """All of it, each as it was given."""
        of, reaction = self.run.of, self.run.of.reaction
        leave = lambda field: of.on.leave(field.reshape(of.on.inside.shape))  # noqa: E731
        if self.by_faces is None:
            by_d: Amount = float(self.total[0])
        else:
            gx, gy, gz = (found.reshape(of.on.inside.shape) for found in self.by_faces)
            field = of.on.enter(np.asarray(self.diffusivity).astype(of.dtype))
            by_d = of.on.leave(by_diffusivity(field, (gx, gy, gz), of.on))
        if self.spread:
            parameters = tuple(_as_given(leave(found), given) for found, given in zip(self.maps, reaction.parameters))
        else:
            parameters = tuple(float(value) for value in self.total[1:])
        events = _in_order(self.of_events[::-1], [one for one in self.events if isinstance(one, Event)])
        exposures = tuple(one.found(leave) for one in self.of_exposures)
        k, capacity = reaction.by_capacity(parameters) if reaction.rate is standard_rate else (None, None)
        return Gradient(leave(self.mu[0]), by_d, parameters, k, capacity, events, exposures)


class _Exposed:
    """Sums of one exposure."""

    def __init__(self, sensitivity: Amount, amount: tuple[float, ...], shape: tuple[int, ...], dtype: Any) -> None:
        self.sensitivity = np.zeros(shape if np.ndim(sensitivity) else (), dtype=dtype if np.ndim(sensitivity) else np.float64)
        self.amount, self.decay = np.zeros(len(amount)), 0.0

    def lose(self, product: Any, amount: float) -> None:
        self.sensitivity -= product * self.sensitivity.dtype.type(amount)

    def found(self, leave: Any) -> ExposureGradient:
        return ExposureGradient(leave(self.sensitivity) if self.sensitivity.ndim else float(self.sensitivity), self.amount, self.decay)


def _kernels(reaction: Reaction, values: Any) -> tuple[Any, Any]:
    if reaction.rate is not standard_rate:
        count = len(reaction.parameters)
        of = march.values_of(count)
        return kernels.keep_of(reaction.rate, of), kernels.back_of(reaction.slope, of, kernels.spread_of(count))
    if np.ndim(values[1]):
        return kernels.keep_maps, kernels.back_maps
    return kernels.keep_numbers, kernels.back_numbers


def _as_given(by_voxel: Array, given: Amount) -> Amount:
    return by_voxel if np.ndim(given) else float(by_voxel.sum(dtype=np.float64))


def _in_order(found: list[EventGradient], given: list[Event]) -> tuple[EventGradient, ...]:
    """From the order of dates to that in which they were given."""
    dates = sorted(range(len(given)), key=lambda n: given[n].t_days)
    return tuple(found[dates.index(n)] for n in range(len(given)))
