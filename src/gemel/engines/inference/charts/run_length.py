"""Average run length of control charts of independent standard normal values, zero-state, by integral equation.

Shewhart: 1/P(|Z + δ| > L). EWMA: L(u) = 1 + (1/λ)∫ L(y) φ((y − (1 − λ)u)/λ − δ) dy over ±L√(λ/(2 − λ)) (Crowder 1987, Technometrics
29:401). CUSUM, one side: L(s) = 1 + L(0) Φ(k − s − δ) + ∫₀ʰ L(y) φ(y + k − s − δ) dy (Page 1954, Biometrika 41:100); two sides:
1/ARL = 1/a + 1/b (Van Dobben de Bruyn 1968, Cumulative Sum Tests, ch. 3). Gauss–Legendre nodes; limits are asymptotic.
"""

from collections.abc import Callable, Mapping
from functools import cache

import numpy as np
from jaxtyping import Float
from scipy import optimize, special

from gemel.core.errors import InputError, RangeError
from gemel.core.image import Array
from gemel.core.number import number

ROUNDING = 1e-6
LONGEST = 1e9
"""Beyond it the linear system is too near to singular: its reciprocal condition is about 1/ARL."""
FEWEST_NODES, MOST_NODES, NODES_A_STEP = 24, 480, 3.0
PARAMETERS = {"shewhart": ("limit",), "ewma": ("lam", "limit"), "cusum": ("k", "h")}
LIMIT = {"shewhart": "limit", "ewma": "limit", "cusum": "h"}
"""The parameter of each kind that its run length is set with."""
WIDEST = 40.0


def arl(kind: str, *, shift: float = 0.0, **params: float) -> float:
    """Average run length after a shift of the mean, in standard deviations, from the start.

    kind: `shewhart` (limit), `ewma` (lam, limit), `cusum` (k, h; two-sided). Raises InputError for an unknown kind or parameter,
    RangeError for values without meaning and for run lengths above 1e9.
    """
    held = checked(kind, params)
    delta = number(shift, "shift")
    if not np.isfinite(delta):
        raise RangeError(f"a shift of {delta}", where=kind, remedy="give a finite shift in standard deviations")
    lengths: dict[str, Callable[..., float]] = {"shewhart": _shewhart, "ewma": _ewma, "cusum": _cusum}
    found = lengths[kind](delta, **held)
    if not 1.0 - ROUNDING <= found <= LONGEST:
        raise RangeError(f"a run length beyond {LONGEST:g}", where=kind, remedy="choose a smaller limit")
    return max(found, 1.0)


def limit_for(kind: str, arl0: float, *, shift: float = 0.0, **params: float) -> float:
    """The limit (h of a CUSUM) at which the run length is `arl0`, the other parameters given. Raises as `arl`."""
    wanted = number(arl0, "arl0")
    if not 1.0 < wanted <= LONGEST / 10:
        raise RangeError(f"a run length of {wanted:g}", where=kind, remedy=f"choose one above 1 and up to {LONGEST / 10:g}")
    named = LIMIT.get(kind, "limit")
    held = {**params, named: 1.0}
    checked(kind, held)

    def beyond(limit: float) -> float:
        return float(np.log(bounded(kind, shift, {**held, named: limit}) / wanted))

    low, high = 1e-3, 4.0
    while beyond(high) < 0:
        high *= 1.4
        if high > WIDEST:
            raise RangeError(f"no limit up to {WIDEST:g} with run length {wanted:g}", where=kind, remedy="choose a smaller shift")
    if beyond(low) > 0:
        raise RangeError(f"run lengths of {kind} begin above {wanted:g}", where=kind, remedy="ask for a longer one, or a smaller k")
    return float(optimize.brentq(beyond, low, high, xtol=1e-6, rtol=1e-7))


def siegmund(k: float, h: float, *, shift: float = 0.0) -> float:
    """Run length of a one-sided CUSUM to about 2 %: (exp(−2Δb) + 2Δb − 1)/(2Δ²), b = h + 1.166, Δ = δ − k.

    Siegmund 1985, Sequential Analysis, sec. 2.6 (b² at Δ = 0).
    """
    held = checked("cusum", {"k": k, "h": h})
    b, drift = held["h"] + 1.166, number(shift, "shift") - held["k"]
    return float(b * b if abs(drift) < 1e-6 else (np.expm1(-2 * drift * b) + 2 * drift * b) / (2 * drift * drift))


def checked(kind: str, params: Mapping[str, float]) -> dict[str, float]:
    """The parameters of a chart as numbers. Raises InputError for an unknown kind or parameter, RangeError for values without meaning."""
    if kind not in tuple(PARAMETERS):
        raise InputError(f"a chart of kind {kind!r}", where="charts", remedy=f"choose from {', '.join(PARAMETERS)}")
    wanted = PARAMETERS[kind]
    if set(params) != set(wanted):
        raise InputError(f"parameters {', '.join(sorted(params)) or 'none'}", where=kind, remedy=f"give {' and '.join(wanted)}")
    held = {name: number(value, name) for name, value in params.items()}
    for name, value in held.items():
        if not np.isfinite(value) or value < 0 or (value == 0 and name != "k") or (name == "lam" and value > 1):
            within = {"lam": "above 0, up to 1", "k": "0 or more"}.get(name, "above 0")
            raise RangeError(f"{name} = {value:g}", where=kind, remedy=f"{name} is {within}")
    return held


def bounded(kind: str, shift: float, params: dict[str, float]) -> float:
    """The run length, or LONGEST where it is longer."""
    try:
        return arl(kind, shift=shift, **params)
    except RangeError:
        return LONGEST


def _shewhart(shift: float, limit: float) -> float:
    return float(1.0 / max(special.ndtr(-limit - shift) + special.ndtr(-limit + shift), 0.1 / LONGEST))


def _ewma(shift: float, lam: float, limit: float) -> float:
    edge = limit * np.sqrt(lam / (2.0 - lam))
    at, weight = _nodes(-edge, edge, lam)
    kernel = weight / lam * _normal((at[None, :] - (1 - lam) * at[:, None]) / lam - shift)
    inside = _solved(kernel)
    return float(1.0 + (weight / lam * _normal(at / lam - shift)) @ inside)


def _cusum(shift: float, k: float, h: float) -> float:
    up, down = (_one_sided(delta, k, h) for delta in (shift, -shift))
    return 1.0 / (1.0 / up + 1.0 / down)


def _one_sided(shift: float, k: float, h: float) -> float:
    """Unknowns: the run length from the nodes, and from 0, where the sum rests."""
    at, weight = _nodes(0.0, h, 1.0)
    start = np.append(at, 0.0)
    matrix = np.empty((len(start), len(start)))
    matrix[:, :-1] = weight * _normal(at[None, :] + k - start[:, None] - shift)
    matrix[:, -1] = special.ndtr(k - start - shift)
    found = float(_solved(matrix)[-1])
    return found if 0 < found < 10 * LONGEST else 10 * LONGEST


def _solved(kernel: Float[Array, "n n"]) -> Float[Array, "n"]:
    """(1 − K)⁻¹·1; infinite where rounding leaves nothing of 1 − K."""
    try:
        return np.asarray(np.linalg.solve(np.eye(len(kernel)) - kernel, np.ones(len(kernel))))
    except np.linalg.LinAlgError:
        return np.full(len(kernel), np.inf)


def _nodes(low: float, high: float, step: float) -> tuple[Float[Array, "n"], Float[Array, "n"]]:
    """Gauss–Legendre nodes and weights, NODES_A_STEP for each width of the kernel."""
    n = int(np.clip(NODES_A_STEP * (high - low) / step, FEWEST_NODES, MOST_NODES))
    at, weight = _legendre(n)
    half = (high - low) / 2
    return low + half * (at + 1), half * weight


@cache
def _legendre(n: int) -> tuple[Float[Array, "n"], Float[Array, "n"]]:
    """Nodes and weights on ±1; found once, for they cost as much as the linear system."""
    at, weight = np.polynomial.legendre.leggauss(n)
    return at, weight


def _normal(z: Float[Array, "..."]) -> Float[Array, "..."]:
    return np.asarray(np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi))
