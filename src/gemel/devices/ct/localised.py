"""The water-equivalent ellipse of a patient at one height, from one or two localisers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.ndimage import label

from gemel.core.errors import GeometryError, IdentityError, InputError
from gemel.core.image import Array
from gemel.core.radiograph import Radiograph
from gemel.devices.ct.scanner import Scanner

EDGE_SHARE, AIR_SHARE, BODY_SHARE = 0.1, 0.03, 0.1
"""A row's body begins at a tenth of the row's most (an ellipse's chord: 0.5 % inside its rim); columns at each side that hold air;
rows whose most is less than a tenth of the image's hold no body."""
DENSE_ROWS, DENSE = 0.8, 1.1
"""Where values have no scale: the fifth of the rows that attenuate most for their extent attenuate, bones included, as an ellipse of
1.1 g/cm³. Chosen on localisers computed from two CTs and four made-up bodies."""
ASPECT = 0.7
"""Thickness over width of an adult's trunk, where one localiser is all that is known. Assumed."""
AGREE, LEAST_ROWS = 0.15, 8
"""Rows of two localisers of one body attenuate alike: largest sd of the logarithm of their ratio; rows that they must share."""
DOUBT = {1: 0.3, 2: 0.12}
"""sd of ln d' by number of localisers: root mean squares on the same bodies were 0.01 to 0.11 (two) and 0.01 to 0.35 (one).
One alone says this of a trunk only: a head's thickness is not 0.7 of its width."""


@dataclass(frozen=True)
class Ellipse:
    """Full axes (cm, x and y) of water that attenuates as the body does at `z_mm`; its middle and the isocentre in LPS, mm."""

    a_cm: float
    b_cm: float
    z_mm: float
    middle_mm: tuple[float, float]
    isocentre_mm: tuple[float, float]
    sd_ln_dprime: float


@dataclass(frozen=True)
class Rows:
    """The body by row, mm at the isocentre: half of its extent, its middle, signal integrated across, whether it is cut off (1) or not."""

    z_mm: Float[Array, "z"]
    half_mm: Float[Array, "z"]
    middle_mm: Float[Array, "z"]
    signal_mm: Float[Array, "z"]
    cut: Float[Array, "z"]


def ellipse(radiographs: Sequence[Radiograph], scanner: Scanner, *, z_mm: float | None = None, water_per_unit: float = 0.0) -> Ellipse:
    """The ellipse at a height, by default the middle of what the localisers share; the middle of their columns is the isocentre.

    Axes in proportion to the extents, area as the attenuation asks: AAPM Report 220 (2014), §3.2; Wang et al. 2012, Med Phys 39:6772.
    `water_per_unit`: mm of water per value above air, from a phantom; 0: values have no scale but are linear in attenuation, and the
    densest rows are taken for water. Raises IdentityError when two show different bodies, GeometryError where they show none or cut it off.
    """
    pair = _sides(radiographs)
    rows = {front: body_rows(one, scanner.gantry.source_isocentre_mm) for front, one in pair.items()}
    shared = _shared_z(list(rows.values()))
    halves = {front: np.interp(shared, one.z_mm, one.half_mm) for front, one in rows.items()}
    a, b = _half_axes(halves, scanner.gantry.source_isocentre_mm)
    found = np.stack([np.interp(shared, one.z_mm, one.signal_mm) for one in rows.values()])
    scale = np.array([_scale(signal, a, b) for signal in found]) if not water_per_unit else np.full(len(found), water_per_unit)
    _require_alike(found * scale[:, None])
    area = (found * scale[:, None]).mean(axis=0)
    at = 0.5 * (shared[0] + shared[-1]) if z_mm is None else z_mm
    _require_seen(at, shared, rows)
    wide, deep, water = (float(np.interp(at, shared, values)) for values in (a, b, area))
    grown = np.sqrt(water / (np.pi * wide * deep)) / 5  # full axes, cm
    known = {front: float(np.interp(at, one.z_mm, one.middle_mm)) for front, one in rows.items()}
    isocentre = {front: float(one.u_mm[0] + one.u_mm[-1]) / 2 for front, one in pair.items()}
    planes = {not front: one.plane_mm for front, one in pair.items()}
    x, y = ((planes | isocentre)[front] for front in (True, False))
    middle = (x + known.get(True, 0.0), y + known.get(False, 0.0))
    return Ellipse(wide * grown, deep * grown, float(at), middle, (x, y), DOUBT[len(pair)])


def body_rows(of: Radiograph, source_isocentre_mm: float) -> Rows:
    """Extent and attenuation of the body in every row; ∫ p cos³γ du undoes the fan (du at the isocentre, to first order in size²/R²).

    Raises InputError for values that are no radiograph of a body: brighter at both sides than in the middle.
    """
    margin = max(2, round(AIR_SHARE * len(of.u_mm)))
    air = min(float(np.median(of.values[:margin])), float(np.median(of.values[-margin:])))
    signal = of.values - air
    most = np.quantile(signal, 0.98, axis=0)
    body = most > BODY_SHARE * np.quantile(most, 0.9)
    if not np.quantile(most, 0.9) > max(-np.quantile(signal, 0.02), 0.0):
        found = f"a {of.words} localiser whose body is not brighter than the air at its sides"
        raise InputError(found, where="localiser", remedy="export it with values that rise with attenuation, not inverted or windowed")
    u = of.u_mm - (of.u_mm[0] + of.u_mm[-1]) / 2
    weight = (1 + (u / source_isocentre_mm) ** 2) ** -1.5 * np.gradient(u)
    kept = [_row(signal[:, k], u, weight, margin) for k in np.flatnonzero(body)]
    half, middle, integral, cut = np.array(kept).T
    return Rows(of.z_mm[body], half, middle / (1 + np.square(half / source_isocentre_mm)), integral, cut)


def _row(signal: Float[Array, "u"], u: Float[Array, "u"], weight: Float[Array, "u"], margin: int) -> tuple[float, float, float, float]:
    """The widest run above the edge's share; its rims between columns by straight lines."""
    level = EDGE_SHARE * float(np.quantile(signal, 0.98))
    runs, _ = label(signal > level)
    inside = np.flatnonzero(runs == 1 + int(np.argmax(np.bincount(runs)[1:])))
    first, last = int(inside[0]), int(inside[-1])
    low = u[first] if first == 0 else np.interp(level, signal[[first - 1, first]], u[[first - 1, first]])
    high = u[last] if last == len(u) - 1 else np.interp(-level, -signal[[last, last + 1]], u[[last, last + 1]])
    cut = first < margin or last >= len(u) - margin
    return (high - low) / 2, (high + low) / 2, float((signal * weight)[first : last + 1].sum()), float(cut)


def _sides(radiographs: Sequence[Radiograph]) -> dict[bool, Radiograph]:
    """One or two localisers, by whether they are frontal."""
    pair = {one.front: one for one in radiographs}
    if not 0 < len(radiographs) == len(pair):
        found = f"{len(radiographs)} localisers ({', '.join(one.words for one in radiographs) or 'none'})"
        raise GeometryError(found, where="localisers", remedy="hand over a frontal and a lateral one, or one of them")
    return pair


def _shared_z(rows: Sequence[Rows]) -> Float[Array, "z"]:
    """Heights at which all show the body, those of the first."""
    low, high = max(one.z_mm[0] for one in rows), min(one.z_mm[-1] for one in rows)
    shared = rows[0].z_mm[(rows[0].z_mm >= low) & (rows[0].z_mm <= high)]
    if len(shared) < LEAST_ROWS:
        found = f"{len(shared)} rows that show the body in every localiser"
        raise GeometryError(found, where="localisers", remedy="use localisers of the same part of the same patient")
    return np.asarray(shared)


def _half_axes(halves: dict[bool, Float[Array, "z"]], R_mm: float) -> tuple[Float[Array, "z"], Float[Array, "z"]]:
    """Half axes of the ellipse whose tangents from the source end at these half extents at the isocentre: h² = a²/(1 − b²/R²)."""
    if len(halves) == 2:
        h, k = np.square(halves[True]), np.square(halves[False])
        shared = 1 - h * k / R_mm**4
        return np.sqrt(h * (1 - k / R_mm**2) / shared), np.sqrt(k * (1 - h / R_mm**2) / shared)
    ((front, half),) = halves.items()
    ratio = ASPECT if front else 1 / ASPECT
    own = half / np.sqrt(1 + np.square(half * ratio / R_mm))
    return (own, ratio * own) if front else (ratio * own, own)


def _scale(signal: Float[Array, "z"], a: Float[Array, "z"], b: Float[Array, "z"]) -> float:
    """mm of water a value, so that the densest rows hold as much water as their ellipse."""
    return float(DENSE / np.quantile(signal / (np.pi * a * b), DENSE_ROWS))


def _require_alike(water_mm2: Float[Array, "n z"]) -> None:
    spread = float(np.std(np.log(water_mm2[0] / water_mm2[-1])))
    if spread > AGREE:
        found = f"two localisers whose rows attenuate differently ({spread:.0%} against {AGREE:.0%})"
        raise IdentityError(found, where="localisers", remedy="use a frontal and a lateral one of the same patient, made in one go")


def _require_seen(z_mm: float, shared: Float[Array, "z"], rows: dict[bool, Rows]) -> None:
    if not shared[0] <= z_mm <= shared[-1]:
        found = f"z of {z_mm:g} mm, where they show no body ({shared[0]:g} to {shared[-1]:g} mm)"
        raise GeometryError(found, where="localisers", remedy="give a place (LPS, mm) within the localisers")
    for one in rows.values():
        if one.cut[int(np.argmin(np.abs(one.z_mm - z_mm)))]:
            raise GeometryError("a body that the localiser cuts off", where="localisers", remedy="centre the patient, or hand over a CT")
