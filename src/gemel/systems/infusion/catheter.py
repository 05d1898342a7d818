"""Catheters: what is infused through them, and where it leaves them; a catheter lies along the way back from its tip."""

import re
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from gemel.core.errors import InputError, RangeError
from gemel.core.image import Array, Image
from gemel.devices.needle import Needle, places_mm

MOST_uL_min, MOST_h, TRACK_mm, TIP_mm = 20.0, 96.0, 12.0, 2.5
"""Of rate and time; of the track along which fluid runs back; of the ball about the tip into which it is spread on the grid."""
_PLAN = re.compile(r"(?P<rate>\d+(?:\.\d+)?) uL/min (?P<h>\d+(?:\.\d+)?) h at (?P<name>[A-Za-z0-9]+)")
_KIND = re.compile(r"infusion (?P<rate>\d+(?:\.\d+)?) uL/min at (?P<name>[A-Za-z0-9]+)")


@dataclass(frozen=True)
class Infusion:
    """A constant rate through one catheter for so long."""

    rate_uL_min: float
    hours: float
    catheter: str

    @property
    def name(self) -> str:
        """As people write it."""
        return f"{self.rate_uL_min:g} uL/min {self.hours:g} h at {self.catheter}"

    @property
    def kind(self) -> str:
        """Of the action that gives it; its amount is the hours."""
        return f"infusion {self.rate_uL_min:g} uL/min at {self.catheter}"


def read_plan(name: str) -> Infusion | None:
    """The infusion of that name, None for `stop`. Raises InputError for what is neither."""
    found = _PLAN.fullmatch(name)
    if name == "stop":
        return None
    if found is None:
        raise InputError(f"no infusion {name!r}", where="infusion", remedy="write it as 5 uL/min 8 h at A, or stop")
    return checked(Infusion(float(found["rate"]), float(found["h"]), found["name"]))


def read_kind(kind: str, hours: float) -> Infusion:
    """What an action of that kind and amount infuses. Raises InputError."""
    found = _KIND.fullmatch(kind)
    if found is None:
        raise InputError(f"an action {kind!r}", where="infusion", remedy="give infusion 5 uL/min at A, in hours")
    return checked(Infusion(float(found["rate"]), hours, found["name"]))


def checked(one: Infusion) -> Infusion:
    """Raises RangeError for more than brains are given."""
    if not (0 < one.rate_uL_min <= MOST_uL_min and 0 < one.hours <= MOST_h):
        found = f"{one.rate_uL_min:g} uL/min for {one.hours:g} h"
        raise RangeError(found, where="infusion", remedy=f"infuse up to {MOST_uL_min:g} uL/min for up to {MOST_h:g} h")
    return one


def source_1_s(one: Needle, infusion: Infusion, backflow_1: float, tissue: Bool[Array, "x y z"], grid: Image) -> Float[Array, "x y z"]:
    """Volume that enters a voxel's volume a second: at the tip, and a share of it evenly along the track behind it.

    Morrison et al. 1999, Am J Physiol 277:R1218 (backflow along a catheter); its length is taken as TRACK_mm.
    """
    aside, back = places_mm(grid, one)
    reach = max(TIP_mm, 0.9 * float(grid.spacing_mm.max()))
    tip = np.exp(-2.0 * (np.square(aside) + np.square(back)) / reach**2)
    track = np.exp(-2.0 * np.square(aside) / reach**2) * ((back > 0) & (back <= TRACK_mm))
    tip, track = (np.where((part > 1e-3) & tissue, part, 0.0) for part in (tip, track))
    rate = infusion.rate_uL_min / 60.0 / (grid.voxel_mL * 1000.0)
    behind = backflow_1 if track.any() else 0.0
    return np.asarray(rate * ((1.0 - behind) * tip / tip.sum() + (behind * track / track.sum() if behind else 0.0)))
