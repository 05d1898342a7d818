"""A made-up patient whose tumour is a field of cells in a made-up brain: what a reader would outline at any time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Float

from gemel.core.belief import Params
from gemel.core.image import Array, Image
from gemel.core.record import Action
from gemel.core.structures import Structures
from gemel.core.time import DAY_S
from gemel.systems.glioma.events import Setting, unfolded
from gemel.systems.glioma.field import FLAIR, T1GD, Invasion, forward
from gemel.systems.glioma.field_course import course
from gemel.systems.glioma.field_start import field_from
from gemel.systems.glioma.ground import Ground
from gemel.systems.glioma.tissue import Tissue, tissue

SPACING_mm, GRID = 2.5, (40, 40, 32)
JITTER = 0.01
"""Of the threshold that a reader sees, in shares of the capacity."""
SEED_d = 70.0


@dataclass(frozen=True)
class VirtualField:
    """Parameters (one draw, with its way to move) of a patient first seen at `first_s`, and the weeks that come with a drug."""

    params: Params
    first_s: float
    setting: Setting


@cache
def brain() -> Tissue:
    """White matter, with a slab of grey to one side of the tumour and fluid on another."""
    x, y, z = _places_mm()
    head = (x / 46) ** 2 + (y / 46) ** 2 + (z / 36) ** 2 < 1
    fluid, grey = head & (np.abs(x + 22) < 4) & (np.abs(y) < 15), head & (y > 12)
    affine_mm = np.diag([*[SPACING_mm] * 3, 1.0])
    return tissue(*(Image(mask.astype(np.float32), affine_mm) for mask in (head & ~grey & ~fluid, grey & ~fluid)))


def ground_of(patient: VirtualField) -> Ground:
    """The field at the first visit: seventy days after a seed, made to be what its outlines say."""
    of = brain()
    x, y, z = _places_mm()
    seed = np.where(of.mask, 0.95 * np.exp(-(((x - 2) ** 2 + y**2 + z**2) / 72)), 0).astype(np.float32)
    invasion = Invasion(float(patient.params["D_white_mm2_d"][0]), 5.0, float(patient.params["rho_1_d"][0]))
    u = forward(of, seed, invasion, t_days=[SEED_d])[0]
    return Ground(of.grid, of.white, of.grey, field_from(of, u > T1GD, u > FLAIR), np.zeros(0, np.float32))


def visible(patient: VirtualField, given: Sequence[Action], times_s: Sequence[float]) -> Float[Array, "times x y z"]:
    """Cells, living and dead, at ascending times."""
    start_s = patient.first_s - DAY_S
    events = unfolded(patient.setting, given, start_s)
    return course(ground_of(patient), patient.params, events, [t - start_s for t in times_s], lambda seen: seen)[0]


def outlined(seen: Float[Array, "x y z"], rng: np.random.Generator) -> Structures:
    """Regions of one visit as a reader draws them, and tissue where it was not hidden by them."""
    of = brain()
    inner, outer = (seen > edge + JITTER * rng.standard_normal() for edge in (T1GD, FLAIR))
    outer = outer | inner
    white = of.white > 0.5
    masks = {"enhancing": inner, "oedema": outer & ~inner, "white": white & ~outer, "grey": of.mask & ~white & ~outer}
    return Structures(of.grid, _held(masks))


def _held(masks: Mapping[str, Array]) -> dict[str, Array]:
    return {name: mask for name, mask in masks.items() if mask.any()}


def _places_mm() -> tuple[Array, Array, Array]:
    x, y, z = np.meshgrid(*[(np.arange(n) - (n - 1) / 2) * SPACING_mm for n in GRID], indexing="ij")
    return x, y, z
