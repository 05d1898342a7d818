"""Activities and decays along a chain by the exponential of its matrix, accurate from microseconds to aeons."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float, Shaped

from gemel.core.errors import InputError, RangeError
from gemel.core.image import Array
from gemel.core.number import number, numbers
from gemel.core.scalar import Scalar
from gemel.engines.decay.chain import decay_constants_1_s, fractions, members
from gemel.engines.decay.exponential import chain_exponential
from gemel.engines.decay.table import nuclide as look_up

Times = Shaped[Array, "..."] | Sequence[float | int] | Scalar
Result = Shaped[Array, "..."] | float


def bateman(nuclide: str, activity_Bq: Scalar, t_s: Times) -> dict[str, Result]:
    """Activity of a nuclide and of each radioactive daughter at time t, from a pure source of `activity_Bq` at t = 0.

    dN_i/dt = Σ_j f_ij λ_j N_j − λ_i N_i (Bateman 1910, Proc Camb Phil Soc 15:423), A_i = λ_i N_i. A number for one time, an array of
    t's shape for many. Members come parents first; stable ends are not listed; branches under 2e-4 are not followed. Relative
    error under 1e-12 at any time, for the method see `exponential.py`. Raises InputError for an unknown nuclide (naming near ones) and
    for what is no number, RangeError for an activity or a time that is negative or not a number.
    """
    return mixture({look_up(nuclide).name: activity_Bq}, t_s)


def mixture(initial_Bq: Mapping[str, Scalar], t_s: Times) -> dict[str, Result]:
    """As `bateman`, from several nuclides present at t = 0 (a generator's eluate, Lu-177 with Lu-177m)."""
    times, names, initial = _checked(initial_Bq, t_s)
    lam = decay_constants_1_s(names)
    atoms = _propagated(names, times, count=False)[..., : len(names), : len(names)] @ (initial / lam)
    return {name: _shaped(lam[i] * atoms[:, i], t_s) for i, name in enumerate(names)}


def decays(nuclide: str, activity_Bq: Scalar, t_s: Times) -> dict[str, Result]:
    """Decays of each member in [0, t]: ∫ A_i dt, in Bq s, exact as `bateman` is. t = ∞ is allowed. Errors as there."""
    times, names, initial = _checked({look_up(nuclide).name: activity_Bq}, t_s, endless=True)
    lam, n = decay_constants_1_s(names), len(names)
    finite = np.isfinite(times)
    counted = np.broadcast_to(_to_infinity(names) @ (initial / lam), (len(times), n)).copy()
    counted[finite] = _propagated(names, times[finite], count=True)[:, n:, :n] @ (initial / lam)
    return {name: _shaped(counted[:, i], t_s) for i, name in enumerate(names)}


def _checked(initial_Bq: Mapping[str, Scalar], t_s: Times, *, endless: bool = False) -> tuple[Array, tuple[str, ...], Array]:
    """Times as one row, members of all chains with parents first, activity of each at t = 0."""
    times = numbers(t_s, "t_s").ravel()
    if np.isnan(times).any() or (times < 0).any() or (np.isinf(times).any() and not endless):
        raise RangeError("a time that is negative or not a number", where="t_s", remedy="give seconds since the source was pure")
    given = _activities(initial_Bq)
    names = _merged([members(name) for name, _ in given])
    initial = np.zeros(len(names))
    for name, activity in given:
        initial[names.index(name)] += activity
    return times, names, initial


def _activities(initial_Bq: Mapping[str, Scalar]) -> list[tuple[str, float]]:
    """Nuclides in the table's spelling, and what there is of each at t = 0."""
    if not isinstance(initial_Bq, Mapping) or not initial_Bq:
        raise InputError("no activity by nuclide", where="mixture", remedy='give a dictionary, as {"Lu-177": 1e6, "Lu-177m": 50.0}')
    given = [(look_up(name).name, number(activity, f"activity of {name}")) for name, activity in initial_Bq.items()]
    for name, activity in given:
        if not (np.isfinite(activity) and activity >= 0):
            raise RangeError(f"an activity of {activity} Bq", where=name, remedy="give an activity of zero or more")
    return given


def _merged(chains: list[tuple[str, ...]]) -> tuple[str, ...]:
    """One list of all members, each after every parent it has."""
    names: list[str] = []
    for chain in reversed(chains):
        names = [name for name in chain if name not in names] + names
    inside = fractions(tuple(names))
    order = sorted(range(len(names)), key=lambda i: _depth(inside, i))
    return tuple(names[i] for i in order)


def _depth(inside: Float[Array, "members members"], i: int) -> int:
    """Length of the longest line of ancestors."""
    return 1 + max((_depth(inside, int(j)) for j in np.flatnonzero(inside[i])), default=-1)


def _propagated(names: tuple[str, ...], times: Float[Array, "times"], *, count: bool) -> Float[Array, "times states states"]:
    """exp(M t) of the chain's matrix; with `count`, of the matrix enlarged by the decays of each member."""
    lam, n = decay_constants_1_s(names), len(names)
    feed = fractions(names) * lam
    if count:
        feed = np.block([[feed, np.zeros((n, n))], [np.diag(lam), np.zeros((n, n))]])
        lam = np.concatenate([lam, np.zeros(n)])
    return chain_exponential(feed, lam, times)


def _to_infinity(names: tuple[str, ...]) -> Float[Array, "members members"]:
    """Decays of each member per atom of each other at the start: (1 − f)⁻¹, f being strictly lower triangular."""
    return np.asarray(np.linalg.solve(np.eye(len(names)) - fractions(names), np.eye(len(names))))


def _shaped(values: Float[Array, "times"], t_s: Times) -> Result:
    """A number for a number, an array of the same shape for an array."""
    shape = np.shape(t_s)
    return np.asarray(values).reshape(shape) if shape else float(values[0])
