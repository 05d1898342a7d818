"""Catheters: where their tips may lie, what is infused through them, and where it leaves them."""

import re
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from gemel.core.errors import GeometryError, InputError, RangeError
from gemel.core.image import Array, Image, world_mm

MOST_uL_min, MOST_h, TRACK_mm, TIP_mm = 20.0, 96.0, 12.0, 2.5
"""Of rate and time; of the track along which fluid runs back; of the ball about the tip into which it is spread on the grid."""
_CATHETER = re.compile(r"(?P<name>[A-Za-z0-9]+):(?P<at>[^/]+)/(?P<along>.+)")
_PLAN = re.compile(r"(?P<rate>\d+(?:\.\d+)?) uL/min (?P<h>\d+(?:\.\d+)?) h at (?P<name>[A-Za-z0-9]+)")
_KIND = re.compile(r"infusion (?P<rate>\d+(?:\.\d+)?) uL/min at (?P<name>[A-Za-z0-9]+)")


@dataclass(frozen=True)
class Catheter:
    """Its name, its tip (LPS mm), and the direction from the tip back along it, of length 1."""

    name: str
    tip_mm: Float[Array, "3"]
    back: Float[Array, "3"]


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


def read_catheter(text: str) -> Catheter:
    """`A:12.5,-30,40/0,0,1`: name, tip and direction back along it in LPS mm. Raises InputError for what is none."""
    found = _CATHETER.fullmatch(text.strip())
    parts = [part.split(",") for part in (found["at"], found["along"])] if found else []
    try:
        at, along = (np.array([float(one) for one in part]) for part in parts)
    except ValueError:
        at = along = np.zeros(0)
    if found is None or at.shape != (3,) or along.shape != (3,) or not np.isfinite([at, along]).all() or not np.linalg.norm(along) > 0:
        raise InputError(f"a catheter {text!r}", where="catheter", remedy="write name:x,y,z/dx,dy,dz in LPS mm, as A:12.5,-30,40/0,0,1")
    return Catheter(found["name"], at, along / np.linalg.norm(along))


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


def require_inside(one: Catheter, tissue: Bool[Array, "x y z"], grid: Image) -> None:
    """Raises GeometryError for a tip outside brain tissue."""
    index = np.rint((one.tip_mm - grid.origin_mm) / grid.spacing_mm).astype(int)
    if (index < 0).any() or (index >= grid.shape).any() or not tissue[tuple(index)]:
        found = f"a catheter {one.name} with its tip at {np.round(one.tip_mm, 1).tolist()} mm outside brain tissue"
        raise GeometryError(found, where="catheter", remedy="place the tip within the outline of the brain and outside its fluid")


def source_1_s(one: Catheter, infusion: Infusion, backflow_1: float, tissue: Bool[Array, "x y z"], grid: Image) -> Float[Array, "x y z"]:
    """Volume that enters a voxel's volume a second: at the tip, and a share of it evenly along the track behind it.

    Morrison et al. 1999, Am J Physiol 277:R1218 (backflow along a catheter); its length is taken as TRACK_mm.
    """
    index = np.stack(np.meshgrid(*(np.arange(n) for n in grid.shape), indexing="ij"), axis=-1).reshape(-1, 3).astype(np.float64)
    away = world_mm(grid, index) - one.tip_mm
    back = away @ one.back
    aside = np.sqrt(np.maximum(np.square(away).sum(axis=1) - back**2, 0.0))
    reach = max(TIP_mm, 0.9 * float(grid.spacing_mm.max()))
    tip = np.exp(-2.0 * np.square(away).sum(axis=1) / reach**2).reshape(grid.shape)
    track = (np.exp(-2.0 * np.square(aside) / reach**2) * ((back > 0) & (back <= TRACK_mm))).reshape(grid.shape)
    tip, track = (np.where((part > 1e-3) & tissue, part, 0.0) for part in (tip, track))
    rate = infusion.rate_uL_min / 60.0 / (grid.voxel_mL * 1000.0)
    behind = backflow_1 if track.any() else 0.0
    return np.asarray(rate * ((1.0 - behind) * tip / tip.sum() + (behind * track / track.sum() if behind else 0.0)))
