"""Dynamic scans to what tracer kinetics takes: curves of regions, the input function, and parametric maps of all voxels."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Float32

from gemel.core.dynamic import BloodCurve, DynamicImage
from gemel.core.errors import InputError
from gemel.core.image import Array, Image, require_same_grid, with_array
from gemel.core.structures import Structures
from gemel.engines.kinetics import logan, patlak
from gemel.engines.kinetics.input_function import InputFunction, require_cover
from gemel.engines.kinetics.tissue_fit import Regions
from gemel.engines.kinetics.tissue_frames import Frames


@dataclass(frozen=True)
class Parametric:
    """A map of K_i (1/s) or V_T (mL/cm³), 0 where a voxel has no line, and which voxels have one."""

    image: Image
    seen: Bool[Array, "x y z"]


def frames_of(image: DynamicImage) -> Frames:
    """The frames' times for the engine."""
    return Frames(np.asarray(image.start_s, np.float64), np.asarray(image.duration_s, np.float64))


def input_of(blood: BloodCurve) -> InputFunction:
    """The samples as an input function. Raises what `InputFunction` raises."""
    return InputFunction(blood.t_s, blood.plasma_Bq_mL, blood.blood_Bq_mL)


def curves_of_regions(image: DynamicImage, structures: Structures, *, half_life_s: float) -> Regions:
    """Mean curve of each region, with sd right but for one factor: counts of a frame are Poisson, sd ∝ √(C·e^(-λt)·Δt)·e^(λt)/Δt.

    The factor comes of the residuals (`sd_known` False). Raises GeometryError for masks on
    another grid, InputError for a region without a voxel or whose mean falls below zero.
    """
    require_same_grid(structures.grid, image.grid, "regions of a dynamic scan")
    empty = [name for name, mask in structures.masks.items() if not mask.any()]
    if empty:
        raise InputError("an empty region", where=empty[0], remedy="outline it on this scan, or leave it out")
    curves = np.array([image.values_Bq_mL[:, mask].mean(axis=1, dtype=np.float64) for mask in structures.masks.values()])
    decay = 2.0 ** (-image.middle_s / half_life_s)
    least = 0.01 * curves.max(axis=1, keepdims=True)
    sd = np.sqrt(np.maximum(curves, least) / (decay * np.asarray(image.duration_s)))
    return Regions(frames_of(image), curves, sd, tuple(structures.masks))


def parametric(
    image: DynamicImage,
    curve: InputFunction,
    *,
    method: Literal["patlak", "logan"],
    start_s: float,
    mask: Bool[Array, "x y z"] | None = None,
) -> Parametric:
    """K_i by Patlak or V_T by Logan in every voxel of the mask that is positive in all frames from `start_s` on.

    Input and its integral are taken exactly for straight lines between samples. Raises RangeError for fewer than three frames, or an input
    that ends before the scan.
    """
    require_cover(curve, float(frames_of(image).edges_s[-1]))
    middle_s = image.middle_s
    late = middle_s >= start_s
    seen = (image.values_Bq_mL[late] > 0).all(axis=0) & (np.ones(image.grid.shape, bool) if mask is None else mask)
    rows = np.ascontiguousarray(image.values_Bq_mL[:, seen].T, np.float64)
    plasma, area = _at(curve, middle_s)
    analysis = {"patlak": patlak, "logan": logan}[method]
    found: Float32[Array, "x y z"] = np.zeros(image.grid.shape, np.float32)
    found[seen] = analysis(middle_s, rows, plasma_Bq_mL=plasma, plasma_integral=area, start_s=start_s)
    return Parametric(with_array(image.grid, found), seen)


def _at(curve: InputFunction, t_s: Float[Array, "times"]) -> tuple[Float[Array, "times"], Float[Array, "times"]]:
    """Plasma and its integral from 0 at times, exact for straight lines between samples."""
    times, plasma, _ = curve.knots
    every = np.union1d(times, t_s)
    values = np.interp(every, times, plasma)
    area = np.concatenate([[0.0], np.cumsum(0.5 * np.diff(every) * (values[1:] + values[:-1]))])
    return np.interp(t_s, every, values), np.interp(t_s, every, area)
