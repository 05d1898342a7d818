"""How much each view and ray counts: angular steps, short scans, displaced detectors, helical paths."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gemel.core.errors import RangeError
from gemel.core.image import Array
from gemel.engines.project.geometry import Cone, Fan, Geometry, fan_rad, is_displaced, u_mm

FULL_GAP = 3.0
"""A turn is closed when its largest gap is below this many median steps."""


@dataclass(frozen=True)
class Turn:
    """Angular step of each view, the arc they cover, each view's place on it, and whether it closes."""

    step_rad: Float[Array, "views"]
    arc_rad: float
    along_rad: Float[Array, "views"]
    closed: bool


def turn(angles_rad: Float[Array, "views"], period_rad: float = 2 * np.pi) -> Turn:
    """Midpoint rule over the angles, whatever their order; an arc with a gap begins after it."""
    place = np.mod(angles_rad, period_rad)
    order = np.argsort(place, kind="stable")
    gaps = np.diff(place[order], append=place[order[0]] + period_rad)
    widest = int(np.argmax(gaps))
    typical = float(np.median(gaps[gaps > 1e-9]))
    closed = bool(gaps[widest] <= FULL_GAP * typical + 1e-9) and angles_rad.size > 2
    order = np.roll(order, -widest - 1)
    gaps = np.roll(gaps, -widest - 1)
    before = np.roll(gaps, 1)
    if not closed:
        gaps[-1] = gaps[-2] if gaps.size > 1 else 0.0
        before[0] = gaps[0]
    step, along = np.empty(place.size), np.empty(place.size)
    step[order] = 0.5 * (gaps + before)
    along[order] = np.mod(place[order] - place[order[0]], period_rad) + 0.5 * before[0]
    return Turn(step, float(step.sum()), along, closed)


def parallel_steps(angles_rad: Float[Array, "views"]) -> Float[Array, "views"]:
    """Angular step of each parallel view; they sum to π. Raises RangeError for views that leave part of the half turn unseen."""
    half = turn(angles_rad, np.pi)
    if not half.closed:
        raise _too_short(half.arc_rad, np.pi)
    return half.step_rad


def ray_weights(geometry: Fan | Cone, radius_mm: float) -> Float[Array, "views u"]:
    """Angular step times the share of each ray among those along the same line: the shares of conjugate rays sum to 1.

    A closed turn, or one along a helix, counts each line twice: ½. A displaced detector: Wang 2002, Med Phys 29:1634. A short scan: Parker
    1982, Med Phys 9:254. Raises RangeError for an arc shorter than π plus the fan that sees `radius_mm` about the axis, or a displaced
    detector without a closed turn.
    """
    gamma = fan_rad(geometry)
    if isinstance(geometry, Cone) and geometry.z_mm is not None:
        return np.abs(np.gradient(geometry.angles_rad))[:, None] * np.full(gamma.size, 0.5)
    round_ = turn(geometry.angles_rad)
    if is_displaced(geometry) and not round_.closed:
        raise RangeError(
            f"a displaced detector over {np.degrees(round_.arc_rad):.0f}°", where="angles_rad", remedy="a half fan needs the whole turn"
        )
    if round_.closed:
        share = _half_fan(geometry, gamma) if is_displaced(geometry) else np.full(gamma.size, 0.5)
        return round_.step_rad[:, None] * share
    seen = min(float(np.abs(gamma).max()), float(np.arcsin(min(1.0, radius_mm / geometry.source_isocentre_mm))))
    spare = 0.5 * (round_.arc_rad - np.pi)
    if spare < seen - float(round_.step_rad.max()):
        raise _too_short(round_.arc_rad, np.pi + 2 * seen)
    return round_.step_rad[:, None] * parker(round_.along_rad[:, None], gamma, spare)


def parker(along_rad: Float[Array, "views 1"], gamma_rad: Float[Array, "u"], spare_rad: float) -> Float[Array, "views u"]:
    """Parker 1982, eq. 12, for an arc π + 2·spare: the conjugate of (β, γ) is (β + π − 2γ, −γ) and both weights sum to 1."""
    rising = 0.25 * np.pi * along_rad / np.maximum(spare_rad + gamma_rad, 1e-9)
    falling = 0.25 * np.pi * (np.pi + 2 * spare_rad - along_rad) / np.maximum(spare_rad - gamma_rad, 1e-9)
    return np.sin(np.clip(np.minimum(rising, falling), 0.0, 0.5 * np.pi)) ** 2


def beyond(geometry: Geometry, taper_mm: float = 0.0) -> tuple[int, int]:
    """Columns to add before and after the detector: a taper, and its mirror image when displaced, for filtered rays reach there."""
    tapered = int(np.ceil(taper_mm / geometry.pitch_u_mm))
    more = round(2 * abs(geometry.offset_u_mm) / geometry.pitch_u_mm) if is_displaced(geometry) else 0
    short, long = max(more, tapered), tapered
    return (short, long) if geometry.offset_u_mm > 0 else (long, short)


def _half_fan(geometry: Fan | Cone, gamma_rad: Float[Array, "u"]) -> Float[Array, "u"]:
    """½(sin(π/2·γ/γ₀) + 1) within the overlap ±γ₀ of the detector with its mirror image; towards the long side 1. Wang 2002, eq. 9."""
    place = u_mm(geometry)
    edge_mm = min(-place[0], place[-1]) + 0.5 * geometry.pitch_u_mm
    if edge_mm <= geometry.pitch_u_mm:
        found = f"a detector displaced by {geometry.offset_u_mm:g} mm, which does not reach past the axis"
        raise RangeError(found, where="offset_u_mm", remedy="keep some pixels on both sides of the central ray")
    share = edge_mm / geometry.source_detector_mm
    edge = share if geometry.curved else float(np.arctan(share))
    return 0.5 * (1.0 + np.sin(0.5 * np.pi * np.clip(np.sign(geometry.offset_u_mm) * gamma_rad / edge, -1.0, 1.0)))


def _too_short(arc_rad: float, needed_rad: float) -> RangeError:
    found = f"views over {np.degrees(arc_rad):.1f}° where {np.degrees(needed_rad):.1f}° are needed"
    return RangeError(
        found, where="angles_rad", remedy="add views; an arc shorter than this cannot be inverted by filtered back-projection"
    )
