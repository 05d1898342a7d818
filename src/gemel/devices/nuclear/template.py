"""Activity of regions by fitting what the camera would make of them: partial volume, spill-in and small shifts in one least-squares fit."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float64
from scipy import ndimage

from gemel.core.activity import ActivityImage
from gemel.core.errors import InputError
from gemel.core.image import Array
from gemel.core.structures import Structures
from gemel.devices.nuclear.noise import TO_SIGMA

REACH = 1.5
"""The fit looks this many FWHM beyond the outline."""
STEPS = 5
LEAST = 0.3
"""Contrast to the ground, as a part of the region's own, without which there is no edge to find."""
MOST = 1.5
"""Farthest shift, in FWHM."""
CLOSE = 0.02
"""Voxels of the last step."""


@dataclass(frozen=True)
class Fitted:
    """A region's activity, its relative sd from the residuals, and how far it lies from its outline (LPS axes of the grid, mm)."""

    activity_Bq: float
    relative_sd: float
    shift_mm: Float[Array, "3"]


@dataclass(frozen=True)
class _Window:
    """A region's surroundings: the scan there, masks of all regions that reach in (its own first), blur in voxels."""

    values: Float[Array, "x y z"]
    masks: tuple[Bool[Array, "x y z"], ...]
    sigma: Float[Array, "3"]


def fitted(scan: ActivityImage, structures: Structures, fwhm_mm: float) -> dict[str, Fitted]:
    """Each region as c·K(x - t) + Σ c_s K_s(x) + b(x)·(1 - ΣK), K the outline blurred by the camera: activity c·volume, shift t, ground b.

    Uniform activity in each region is assumed, as in the transfer matrix of Rousset et al. 1998, J Nucl Med 39:904; the shift is found by
    Gauss-Newton steps on the same residuals. Raises InputError for a scan that is not calibrated or a resolution that is not above 0.
    """
    if scan.unit != "Bq/mL":
        raise InputError(f"an image in {scan.unit}", where=scan.source or "fitted", remedy="calibrate it first")
    if not (np.isfinite(fwhm_mm) and fwhm_mm > 0):
        raise InputError(
            f"a resolution of {fwhm_mm} mm", where="fitted", remedy="state the FWHM of the image, measured on a point or an edge"
        )
    image = scan.image
    sigma = fwhm_mm * TO_SIGMA / image.spacing_mm
    held = {name: _region(_window(image.array, structures, name, sigma), fwhm_mm / image.spacing_mm) for name in structures.masks}
    found = {}
    for name, (concentration, sd, shift) in held.items():
        volume_mL = np.count_nonzero(structures[name]) * image.voxel_mL
        relative = sd / concentration if concentration > 0 else np.inf
        found[name] = Fitted(float(concentration * volume_mL), float(relative), np.asarray(shift * image.spacing_mm))
    return found


def _window(values: Array, structures: Structures, name: str, sigma: Float[Array, "3"]) -> _Window:
    """A box with room for the blur of everything in it."""
    index = np.argwhere(structures[name])
    room = np.ceil((REACH / TO_SIGMA + 3.0) * sigma).astype(int)
    low, high = np.maximum(index.min(axis=0) - room, 0), np.minimum(index.max(axis=0) + room + 1, values.shape)
    box = tuple(slice(int(a), int(b)) for a, b in zip(low, high))
    others = [structures[other][box] for other in structures.masks if other != name]
    masks = (structures[name][box], *(mask for mask in others if mask.any()))
    return _Window(np.asarray(values[box], np.float64), masks, sigma)


def _region(window: _Window, fwhm: Float[Array, "3"]) -> tuple[float, float, Float64[Array, "3"]]:
    """Concentration, its sd, and shift (voxels) of the window's first mask."""
    own = window.masks[0].astype(np.float64)
    others = [_blurred(mask.astype(np.float64), window.sigma) for mask in window.masks[1:]]
    near = ndimage.distance_transform_edt(~window.masks[0], sampling=1.0 / fwhm) <= REACH
    seen, shift, best = window.values[near], np.zeros(3), (0.0, 0.0)
    for _ in range(STEPS):
        template = _blurred(ndimage.shift(own, shift, order=1), window.sigma)
        columns = [template, *others, *_ground(1.0 - np.sum([template, *others], axis=0))]
        design = np.stack([column[near] for column in (*columns, *(-slope for slope in np.gradient(template)))], axis=1)
        solution, _, _, _ = np.linalg.lstsq(design, seen, rcond=None)
        best = (float(solution[0]), _sd(design, seen - design @ solution, window.sigma))
        contrast = solution[0] - solution[len(others) + 1]
        step = np.clip(solution[-3:] / contrast, -1.0, 1.0) if contrast > LEAST * solution[0] > 0 else np.zeros(3)
        shift = np.clip(shift + step, -MOST * fwhm, MOST * fwhm)
        if np.abs(step).max() < CLOSE:
            break
    return *best, shift


def _ground(outside: Float[Array, "x y z"]) -> list[Float[Array, "x y z"]]:
    """What lies around all regions: a value at the window's middle, and its slopes."""
    axes = np.meshgrid(*(np.linspace(-1.0, 1.0, n) for n in outside.shape), indexing="ij")
    return [outside, *(outside * axis for axis in axes)]


def _sd(design: Float[Array, "n k"], residual: Float[Array, "n"], sigma: Float[Array, "3"]) -> float:
    """Standard deviation of the first coefficient; voxels that share their noise count as one: (4π)^(3/2) σxσyσz of them."""
    together = max((4 * np.pi) ** 1.5 * float(np.prod(sigma)), 1.0)
    freedom = max(len(residual) / together - design.shape[1], 1.0)
    variance = float(residual @ residual) / together / freedom
    return float(np.sqrt(variance * together * np.linalg.pinv(design.T @ design)[0, 0]))


def _blurred(mask: Float[Array, "x y z"], sigma: Float[Array, "3"]) -> Float[Array, "x y z"]:
    return np.asarray(ndimage.gaussian_filter(mask, sigma, mode="constant"))
