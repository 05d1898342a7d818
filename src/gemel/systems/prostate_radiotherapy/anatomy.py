"""The anatomy of the day: fields, CT and structures of a state, and the shift of the couch."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float

from gemel.core.errors import RangeError
from gemel.core.image import Array, Image, require_same_grid
from gemel.core.structures import Structures
from gemel.engines.registration.field import DisplacementField
from gemel.engines.registration.warp import exponential, jacobian, pull, pull_mask, resample
from gemel.systems.prostate_radiotherapy.modes import Modes
from gemel.systems.prostate_radiotherapy.state import DayState, measure, to_vector

__all__ = ["DayState", "anatomy_of", "coefficients", "field", "flow", "measure", "push", "warped", "with_setup"]

AIR_HU = -1024.0
LEAST_JACOBIAN = 0.05
"""Tissue stretched twentyfold in volume is no anatomy; the grid of the velocities folds soon after."""
LIMIT = np.array([1.6, 1.2, 15.0, 15.0, 15.0, 20.0])
"""No state farther from planning is tried: volume ratios of 0.2 to 5 (bladder) and 0.3 to 3.3 (rectum), 15 mm, 20 degrees."""
TOLERANCE = np.array([0.005, 0.005, 0.05, 0.05, 0.05, 0.05])
"""How closely a field realises a state: 0.5 % of volume, 0.05 mm, 0.05 degree."""


def coefficients(modes: Modes, state: DayState, *, iterations: int = 12) -> Float[Array, "6"]:
    """Amplitudes a_k for which the measured state of exp(Σ a_k V_k) is the wanted one. Broyden 1965, Math Comp 19:577.

    Large fillings leave the region in which the velocities were drawn, so that amplitude and effect differ by up to tens of per cent.
    Raises RangeError when the state is beyond LIMIT or is not reached.
    """
    wanted = to_vector(state)
    if (np.abs(wanted) > LIMIT).any():
        raise RangeError(f"a state beyond the motion modes: {state!r}", where="coefficients", remedy=f"stay within ±{LIMIT.tolist()}")
    amplitude, inverse = wanted.copy(), np.eye(6)
    error = _effect(modes, amplitude) - wanted
    for _ in range(iterations):
        if (np.abs(error) <= TOLERANCE).all():
            return amplitude
        step = np.clip(-inverse @ error, -0.25 * LIMIT, 0.25 * LIMIT)
        amplitude = amplitude + step
        later = _effect(modes, amplitude) - wanted
        change = inverse @ (later - error)
        inverse += np.outer(step - change, step @ inverse) / (step @ change)
        error = later
    found = f"a state beyond the motion modes: {state!r}"
    raise RangeError(found, where="coefficients", remedy="use a state nearer to planning")


def field(modes: Modes, state: DayState) -> DisplacementField:
    """Pull field of the state: day(x) = planning(x + u(x)). Raises RangeError where it nearly folds space (Jacobian < 0.05).

    Holds for volume ratios of 0.35 to 2 (bladder) and 0.5 to 1.7 (rectum) with shifts of 8 mm and rotations of 12 degrees.
    """
    pull_field = flow(modes, -coefficients(modes, state))
    least = float(jacobian(pull_field).min())
    if least < LEAST_JACOBIAN:
        raise RangeError(f"{state!r}, whose field folds (Jacobian {least:.2f})", where="field", remedy="use a state nearer to planning")
    return pull_field


def push(modes: Modes, state: DayState) -> DisplacementField:
    """Push field of the state: the planning point p lies at p + w(p) on the day."""
    return flow(modes, coefficients(modes, state))


def anatomy_of(ct: Image, structures: Structures, modes: Modes, state: DayState) -> tuple[Image, Structures]:
    """CT and structures of the day, bones aligned with planning (the couch has corrected the setup); HU move with the tissue."""
    require_same_grid(ct, structures.grid, "anatomy_of")
    return warped(ct, structures, field(modes, state))


def warped(ct: Image, structures: Structures, pull_field: DisplacementField) -> tuple[Image, Structures]:
    """CT and every structure seen through a pull field."""
    day = pull(ct, pull_field)
    masks = {name: pull_mask(mask, structures.grid, pull_field) for name, mask in structures.masks.items()}
    return day, Structures(day, masks)


def with_setup(image: Image, setup_mm: Float[Array, "3"]) -> Image:
    """The image in the room frame, x_room = x_bony + setup, on its own grid; air comes in at the edges."""
    moved = image.affine_mm.copy()
    moved[:3, 3] += setup_mm
    return resample(replace(image, affine_mm=moved), image, outside=AIR_HU)


def flow(modes: Modes, amplitude: Float[Array, "6"]) -> DisplacementField:
    """exp(Σ a_k V_k): pushes planning points for +a, pulls the planning image for −a."""
    velocity = np.tensordot(amplitude.astype(np.float32), modes.velocities_mm, axes=1)
    return exponential(DisplacementField(velocity, modes.affine_mm))


def _effect(modes: Modes, amplitude: Float[Array, "6"]) -> Float[Array, "6"]:
    return to_vector(measure(modes.planning, flow(modes, -amplitude), push=flow(modes, amplitude)))
