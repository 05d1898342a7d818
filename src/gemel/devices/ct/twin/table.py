"""The numbers of `scanner.json`: how images answer to a scanner's state, how fast it wanders, and what actions leave of a departure."""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from jaxtyping import Float

from gemel.core.errors import InputError
from gemel.core.image import Array
from gemel.core.parameter import Parameter
from gemel.devices.ct.twin.names import COMPONENTS, METRICS

LIGHT, DENSE = "polyethylene", "Teflon"


@cache
def table() -> Mapping[str, Any]:
    """`scanner.json`."""
    found: Mapping[str, Any] = json.loads(files(__package__).joinpath("scanner.json").read_text(encoding="utf-8"))
    return found


@cache
def parameters() -> tuple[Parameter, ...]:
    """Log-normal priors; each carries its reference in the table."""
    rows = table()["parameters"]
    return tuple(
        Parameter(r["name"], "lognormal", r["centre"], r["spread"], (r["bounds"][0], r["bounds"][1]), r["reference"]) for r in rows
    )


def row(name: str) -> Float[Array, "d"]:
    """A number of each component, such as `walk_sqrt_d`."""
    return np.array([table()[name][component] for component in COMPONENTS])


def left_by(action: str) -> Float[Array, "d"]:
    """What an action leaves of each departure. Raises InputError for one that is not in the table."""
    held = table()["left_by"]
    if action not in held:
        raise InputError(f"an action {action!r}", where="ct_scanner", remedy=f"choose from {', '.join(held)}")
    return np.array([held[action][component] for component in COMPONENTS])


@cache
def _response(light: str, dense: str, kVp: float) -> tuple[tuple[float, ...], ...]:
    held = table()
    water = 10.0 * _slope(held["mean_keV_of_kVp"], "keV", kVp) * _mu_slope(_mean_keV(kVp)) * held["hardening_1"]
    filter_kv, quanta = held["filter"]["kv_pct_mm"], held["filter"]["quanta_pct_mm"]
    found = {name: dict.fromkeys(COMPONENTS, 0.0) for name in METRICS}
    for name, material in (("water_HU", ""), ("light_HU", light), ("dense_HU", dense)):
        own = 0.0 if not material else 0.01 * _by_ln_kVp(held["HU_of_kVp"], material, kVp)
        density = 1.0 if not material else 1.0 + 0.001 * _at(held["HU_of_kVp"], material, kVp)
        found[name]["kv_pct"] = density * water + own
        found[name]["filter_mm"] = filter_kv * found[name]["kv_pct"]
        found[name]["bowtie_HU"] = 0.2
    for name, place in (("ln_noise_centre_1", "centre"), ("ln_noise_edge_1", "edge")):
        share = held["electronic_share"][place]
        per_quantum = -0.005 * (1.0 + share)
        found[name] |= {"kv_pct": per_quantum * held["quanta_1_kVp"], "filter_mm": per_quantum * quanta, "output_pct": per_quantum}
        found[name]["electronic_pct"] = 0.005 * share
    found["uniformity_HU"]["bowtie_HU"] = 1.0
    found["ring_HU"]["gain_HU"] = 1.0
    found["ln_mtf50_1"]["focal_pct"] = -0.01 * held["focal_share"]
    found["scale_pct"]["scale_pct"] = found["tube_kV_pct"]["kv_pct"] = found["tube_mAs_pct"]["output_pct"] = 1.0
    return tuple(tuple(found[name][component] for component in COMPONENTS) for name in METRICS)


def response(light: str = LIGHT, dense: str = DENSE, kVp: float = 120.0) -> Float[Array, "m d"]:
    """What a unit of each component does to each metric, to first order; rods of these materials, at this voltage.

    Water: ΔHU = 1000·dlnμ/dlnE·dlnE/dlnkVp·ΔkVp/kVp, with what hardening leaves of it, since calibration is not repeated; rods by their
    density and their own change. Noise: σ² ∝ (1 + e·ε)/quanta. Raises InputError for an unknown material or a voltage beyond 80 to 140.
    """
    known = set(table()["HU_of_kVp"]) - {"reference", "kVp"}
    if not {light, dense} <= known or not 80 <= kVp <= 140:
        found = f"rods of {light} and {dense} at {kVp:g} kV"
        raise InputError(found, where="ct_scanner", remedy=f"80 to 140 kV and {', '.join(sorted(known))} are tabulated")
    return np.array(_response(light, dense, float(kVp)))


def material_of(HU: float, kVp: float) -> str:
    """The tabulated material whose HU is nearest."""
    held = table()["HU_of_kVp"]
    return min(set(held) - {"reference", "kVp"}, key=lambda name: (abs(_at(held, name, kVp) - HU), name))


def _at(held: Mapping[str, Any], name: str, kVp: float) -> float:
    return float(np.interp(kVp, held["kVp"], held[name]))


def _by_ln_kVp(held: Mapping[str, Any], name: str, kVp: float) -> float:
    """d/dln kVp of a tabulated curve, across ±10 kV."""
    low, high = max(kVp - 10.0, held["kVp"][0]), min(kVp + 10.0, held["kVp"][-1])
    return (_at(held, name, high) - _at(held, name, low)) / float(np.log(high / low))


def _slope(held: Mapping[str, Any], name: str, kVp: float) -> float:
    """dln/dln kVp."""
    return _by_ln_kVp(held, name, kVp) / _at(held, name, kVp)


def _mean_keV(kVp: float) -> float:
    return _at(table()["mean_keV_of_kVp"], "keV", kVp)


def _mu_slope(keV: float) -> float:
    """dln μ/dln E of water."""
    held = table()["water_cm2_g_of_keV"]
    at = np.log(np.array([keV * 0.95, keV * 1.05]))
    low, high = np.interp(at, np.log(held["keV"]), np.log(held["mu"]))
    return float((high - low) / (at[1] - at[0]))
