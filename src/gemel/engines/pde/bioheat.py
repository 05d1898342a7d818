"""Heat in perfused media: ρc ∂T/∂t = ∇·(κ ∇T) − ρ_b c_b ω (T − T_b) + Q, with properties that change as it grows hot."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float, Shaped

from gemel.core.errors import RangeError
from gemel.core.image import Array
from gemel.engines.pde.domain import Domain
from gemel.engines.pde.elliptic import Held, Map, conductances, where_held
from gemel.engines.pde.elliptic import field as entered
from gemel.engines.pde.implicit_step import Ground, Step, step_of, stepped
from gemel.engines.pde.thermal_damage import Arrhenius, add_damage

WHERE = "bioheat"
Field = Float[Array, "..."]
Property = Map | Callable[[Field, Field], Field]
"""A number, a map, or a function of the temperature (°C) and of Ω."""
SQUARE_MM_M2 = 1e6
TOLERANCE = 1e-9


def _always(start_s: float, stop_s: float) -> float:
    return 1.0


@dataclass(frozen=True)
class Perfused:
    """κ (W/m/K), ρc (J/m³/K), perfusion ρ_b c_b ω (W/m³/K) that brings blood of `blood_degC`, and how it is harmed.

    Pennes 1948, J Appl Physiol 1:93. Latent heat is a peak of ρc: about 2.3e9 × water's share J/m³ over the degrees around 100 °C.
    """

    conductivity_W_m_K: Property
    capacity_J_m3_K: Property
    perfusion_W_m3_K: Property = 0.0
    blood_degC: float = 37.0
    arrhenius: Arrhenius = field(default_factory=Arrhenius)


@dataclass(frozen=True)
class Heating:
    """Q (W/m³), a number or map times the mean of `course` over a step; voxels `held` at a temperature; temperatures at 0 (°C)."""

    heat_W_m3: Map = 0.0
    course: Callable[[float, float], float] = _always
    held: Held | None = None
    start_degC: Map = 37.0


@dataclass(frozen=True)
class Heated:
    """Temperature (°C), Arrhenius's Ω, and equivalent minutes at 43 °C, at each time."""

    T_degC: Float[Array, "times x y z"]
    omega: Float[Array, "times x y z"]
    cem43_min: Float[Array, "times x y z"]


@dataclass(frozen=True)
class _Problem:
    """What stays the same over all steps, as the kernels read it."""

    on: Domain
    of: Perfused
    heat: Field
    fixed: Bool[Array, "..."]
    order: int

    @property
    def changing(self) -> bool:
        return any(callable(one) for one in (self.of.conductivity_W_m_K, self.of.capacity_J_m3_K, self.of.perfusion_W_m3_K))


def bioheat(on: Domain, of: Perfused, by: Heating, *, t_s: Shaped[Array, "times"], dt_s: float, order: int = 2) -> Heated:
    """T, Ω and CEM43 at each of `t_s`, from the start at 0 in steps up to `dt_s`; no flux through the mask's border.

    Steps are implicit (TR-BDF2, or backward Euler for `order` 1) and stable at any length; properties that change are those of the
    middle of the step, found by half a step of Euler's. Raises RangeError for properties not over 0 and times out of order.
    """
    times = np.atleast_1d(np.asarray(t_s, dtype=np.float64))
    if not np.isfinite(times).all() or (times < 0).any() or (np.diff(times) < 0).any() or not 0 < dt_s < np.inf:
        raise RangeError("times or a step that cannot be", where=WHERE, remedy="give times ≥ 0 in order, and a step over 0")
    fixed = on.enter(where_held(by.held.where if by.held else None, on))
    problem = _Problem(on, of, entered(by.heat_W_m3, on, "heat", signed=True), fixed, order)
    T, omega, minutes = _start(by, on, fixed), np.zeros(on.inside.shape), np.zeros(on.inside.shape)
    kept: dict[tuple[float, int], Step] = {}
    found, before = np.zeros((3, len(times), *on.shape)), 0.0
    for n, now in enumerate(times):
        steps = int(np.ceil((now - before) / dt_s * (1 - 1e-12)))
        dt = (now - before) / max(steps, 1)
        for start in before + dt * np.arange(steps):
            after = _over(problem, kept, (T, omega), (dt, by.course(float(start), float(start + dt))))
            add_damage((omega, minutes), T, after, dt, of.arrhenius)
            T = after
        found[:, n], before = on.leave(np.stack([T, omega, minutes])), now
    return Heated(found[0], found[1], found[2])


def _start(by: Heating, on: Domain, fixed: Bool[Array, "..."]) -> Field:
    held = np.asarray(by.held.value if by.held else 0.0, dtype=np.float64)
    return np.where(fixed, on.enter(np.broadcast_to(held, on.shape)), entered(by.start_degC, on, "start", signed=True))


def _over(problem: _Problem, kept: dict[tuple[float, int], Step], state: tuple[Field, Field], how: tuple[float, float]) -> Field:
    """T at the end of a step of length dt under so much of the heat; `kept`: the last steps of each length and order."""
    T, omega = state
    dt, power = how
    if problem.changing:
        half = _step(problem, kept, state, (dt / 2, 1))
        middle = stepped(half, T, _source(problem, half, power))
        step = _step(problem, kept, (middle, omega), (dt, problem.order))
    else:
        step = kept.get((dt, problem.order)) or _step(problem, kept, state, (dt, problem.order))
    return stepped(step, T, _source(problem, step, power))


def _source(problem: _Problem, step: Step, power: float) -> Field:
    """Heat, and what blood brings: the loss of the network is that of perfusion and of the step together."""
    return np.asarray(problem.heat * power + (step.system.network.loss - step.held) * problem.of.blood_degC)


def _step(problem: _Problem, kept: dict[tuple[float, int], Step], state: tuple[Field, Field], how: tuple[float, int]) -> Step:
    """With the properties of now, and the grids of the last such step."""
    of, on = problem.of, problem.on
    kappa = _now(of.conductivity_W_m_K, on, state, "conductivity")
    capacity, perfusion = _now(of.capacity_J_m3_K, on, state, "capacity"), _now(of.perfusion_W_m3_K, on, state, "perfusion")
    if not (capacity[on.inside] > 0).all():
        raise RangeError("a heat capacity not over 0", where=WHERE, remedy="give J/m³/K over 0; water 4.2e6")
    ground = Ground(on, conductances(on.leave(kappa) * SQUARE_MM_M2, on), perfusion, capacity, problem.fixed)
    last = kept.get(how)
    kept[how] = step_of(ground, *how, TOLERANCE, last.grids if last else None)
    return kept[how]


def _now(of: Property, on: Domain, state: tuple[Field, Field], name: str) -> Field:
    value = of(on.leave(state[0]), on.leave(state[1])) if callable(of) else of
    return entered(value, on, name)
