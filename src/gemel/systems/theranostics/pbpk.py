"""Hot and cold PSMA ligand in the whole body: activity of organs in time, and time-integrated activity, for one person or many at once."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from jaxtyping import Float, Int

from gemel.core.errors import RangeError
from gemel.core.image import Array
from gemel.core.number import number
from gemel.core.scalar import Scalar
from gemel.engines.ode import Dose, Solution, System, Tolerance, compiled, require_solved
from gemel.engines.ode import solve as integrate
from gemel.systems.theranostics.pbpk_cohort import virtual_patients
from gemel.systems.theranostics.pbpk_network import PLACES, SPACES, coefficients, network
from gemel.systems.theranostics.pbpk_parameters import Number, Values, checked, corrected_parameters, default_parameters, labelled, numbers
from gemel.systems.theranostics.pbpk_physiology import physiology

__all__ = [
    "ORGANS",
    "Injection",
    "corrected_parameters",
    "course",
    "default_parameters",
    "labelled",
    "plasma_nmol_L",
    "solve",
    "tiac_h",
    "virtual_patients",
]

Times = Float[Array, "times"] | Int[Array, "times"] | Sequence[float | int] | Scalar
ORGANS = (*SPACES, "artery", "vein", "whole_body")
PER_NMOL = 6.022e14  # Avogadro's number as the published model has it
UNTIL_MIN = 40000.0
LEAST_STEP_MIN = 0.1
CHUNK = 64  # draws whose whole courses are held at once
TOLERANCE = Tolerance(relative=1e-4, absolute=1e-11)


@dataclass(frozen=True)
class Injection:
    """Hot and cold ligand (nmol, one number or one a draw) into a vein, from `start_min` over `duration_min` (0: bolus)."""

    hot_nmol: Number
    cold_nmol: Number
    start_min: float | int = 0.0
    duration_min: float | int = 0.0


@cache
def system() -> System:
    """The network made ready once; readouts are the hot ligand of each organ."""
    readouts = {organ: tuple(f"hot.{organ}.{space}" for space in spaces) for organ, spaces in SPACES.items()}
    readouts["kidney"] = (*readouts["kidney"], "hot.kidney.intera")
    readouts |= {"artery": ("hot.art",), "vein": ("hot.vein",), "whole_body": tuple(f"hot.{place}" for place in PLACES)}
    return compiled(network(), tuple(readouts.items()))


def course(params: Values, injections: Sequence[Injection], t_min: Times) -> Solution:
    """Hot ligand of each organ (nmol) and its integral (nmol min), draws first; several injections (cycles) share the receptors.

    Raises as `checked` does, and InputError with its remedy when a draw has no solution.
    """
    return _course(params, injections, t_min, system())


def plasma_nmol_L(params: Values, injections: Sequence[Injection], t_min: Times) -> Float[Array, "draws times 2"]:
    """Hot and cold ligand in arterial plasma: what vessels of any tissue are fed with. Raises as `course`."""
    arteries = compiled(network(), (("hot", ("hot.art",)), ("cold", ("cold.art",))))
    volume_L = physiology(checked(params)).arterial_L
    return np.asarray(_course(params, injections, t_min, arteries).values / np.reshape(volume_L, (-1, 1, 1)))


def _course(params: Values, injections: Sequence[Injection], t_min: Times, over: System) -> Solution:
    checked_params = checked(params)
    doses = [
        Dose(f"{ligand}.vein", amount, injection.start_min, injection.duration_min)
        for injection in injections
        for ligand, amount in (("hot", _amount(injection.hot_nmol)), ("cold", _amount(injection.cold_nmol)))
    ]
    if np.ndim(t_min) > 1:
        raise RangeError(f"times of shape {np.shape(t_min)}", where="PSMA PBPK", remedy="give one time, or a row of times")
    times, back = np.unique(numbers("t_min", t_min), return_inverse=True)
    solution = integrate(over, coefficients(checked_params), t=times, doses=doses, tolerance=TOLERANCE)
    require_solved(solution.status, "PSMA PBPK")
    return replace(solution, t=times[back], values=solution.values[:, back], integrals=solution.integrals[:, back])


def _amount(nmol: Number) -> float | Array:
    found = numbers("nmol of ligand", nmol)
    return found if np.ndim(nmol) else float(found[0])


def MBq_per_nmol(params: Values) -> Float[Array, "..."]:
    """Activity of a nanomole of hot ligand, N·λ."""
    return np.asarray(np.asarray(params["lambda_physical_1_min"]) / 60 * PER_NMOL * 1e-6)


def solve(params: Values, hot_nmol: Number, cold_nmol: Number, t_min: Times) -> dict[str, Float[Array, "..."] | float]:
    """Activity (MBq) of each organ at the times, (times,) for one person, (draws, times) when any parameter or amount is one a draw.

    For one time instead of a list of times the axis of times is left out: a number for one person.
    """
    many, full = _draws(params, hot_nmol, cold_nmol)
    solution = course(full, [Injection(hot_nmol, cold_nmol)], t_min)
    values = np.maximum(solution.values, 0.0) * np.reshape(MBq_per_nmol(full), (-1, 1, 1))
    found = values if many else values[0]
    if np.ndim(t_min) == 0:
        found = found[..., 0, :]
    return {organ: found[..., i] if found.ndim > 1 else float(found[i]) for i, organ in enumerate(solution.names)}


def tiac_h(params: Values, hot_nmol: Number, cold_nmol: Number, *, every_min: float | int = 10.0) -> dict[str, float | Array]:
    """Time-integrated activity over injected activity (h) of each organ, from 0 to 40,000 min; one number, or one a draw.

    The default is a quadrature by trapezoids of 10 min, in which values of the published model are usually given; it overlooks the first
    pass through the blood (liver 1.1 % low, red marrow 1.5 %, vein a third high). `every_min=0` gives the integral itself, solved
    together with the amounts. Raises RangeError without hot ligand.
    """
    many, full = _draws(params, hot_nmol, cold_nmol)
    step_min = _step_min(every_min)
    if not np.all(np.asarray(hot_nmol) > 0):
        raise RangeError(f"{hot_nmol} nmol of hot ligand", where="tiac_h", remedy="give an amount above 0")
    draws = len(next(iter(full.values())))
    hot, cold = np.broadcast_to(hot_nmol, draws), np.broadcast_to(cold_nmol, draws)
    parts = [slice(i, i + CHUNK) for i in range(0, draws, CHUNK)]
    sums = [_integral({k: v[part] for k, v in full.items()}, Injection(hot[part], cold[part]), step_min) for part in parts]
    residence_h = np.concatenate(sums) / hot[:, None] / 60
    return {organ: residence_h[:, i] if many else float(residence_h[0, i]) for i, (organ, _) in enumerate(system().readouts)}


def _step_min(every_min: float | int) -> float:
    found = number(every_min, "every_min")
    if not (found == 0 or LEAST_STEP_MIN <= found <= UNTIL_MIN):
        remedy = f"give 0 for the integral itself, or {LEAST_STEP_MIN:g} to {UNTIL_MIN:g} min"
        raise RangeError(f"trapezoids of {found:g} min", where="tiac_h", remedy=remedy)
    return found


def _integral(params: Values, injection: Injection, every_min: float | int) -> Float[Array, "draws organs"]:
    """nmol·min of each organ until `UNTIL_MIN`."""
    if every_min == 0:
        return course(params, [injection], np.array([UNTIL_MIN])).integrals[:, -1]
    solution = course(params, [injection], np.arange(0.0, UNTIL_MIN + every_min / 2, every_min))
    return np.trapezoid(solution.values, solution.t, axis=1)


def _draws(params: Values, *amounts: Number) -> tuple[bool, dict[str, Array]]:
    """Whether anything is given one a draw, and all parameters one a draw."""
    full = checked(params)
    amounts = tuple(_amount(amount) for amount in amounts)
    sizes = {np.size(value) for value in (*params.values(), *amounts) if np.ndim(value)}
    draws = max(sizes, default=1)
    if sizes - {1, draws} or 0 in sizes or any(np.ndim(amount) > 1 for amount in amounts):
        raise RangeError(f"parameters and amounts of {sorted(sizes)} draws", where="PSMA PBPK", remedy="give each one value, or one a draw")
    return bool(sizes), {name: np.broadcast_to(value, draws) for name, value in full.items()}
