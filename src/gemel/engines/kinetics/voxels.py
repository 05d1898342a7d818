"""Time-integrated activity of every voxel: the fit of the regions without its draws, and a status where it does not hold."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Int8

from gemel.core.errors import InputError, RangeError
from gemel.core.image import Array
from gemel.engines.kinetics.fit import QUICK, Hypothesis, curves_of, fit
from gemel.engines.kinetics.scans import require_times
from gemel.engines.kinetics.shapes import MONO, Shape

FITTED, PHYSICAL, EMPTY = 0, 1, 2
"""Status of a voxel: fitted; no slower rate allowed, so the curve decays physically; no activity."""


@dataclass(frozen=True)
class VoxelFit:
    """Maps, one value a voxel."""

    tia_Bq_s: Float32[Array, "*voxels"]
    half_life_s: Float32[Array, "*voxels"]  # effective, of the terminal phase; NaN where empty
    status: Int8[Array, "*voxels"]


def fit_voxels(
    t_s: Float[Array, "scans"],
    activity_Bq: Float32[Array, "scans *voxels"],
    *,
    sd_Bq: Float[Array, "scans"],
    physical_s: float,
    shape: Shape = MONO,
) -> VoxelFit:
    """Weighted least-squares curve of each voxel, T_eff <= T_phys. `sd_Bq` is one value a scan (noise of a voxel, not proportional to it).

    Voxels with nothing to fit (all weight on zero or below) have no activity. A voxel of noise or wrong registration that rises takes
    physical decay and says so in its status: one voxel is no reason to refuse a series. Raises InputError for values that are not finite,
    RangeError for fewer scans than the shape has unknowns.
    """
    require_times(t_s)
    if len(t_s) < shape.parameters or not (math.isfinite(physical_s) and physical_s > 0):
        found = f"{len(t_s)} scan(s) for a {shape.name} curve of {shape.parameters} unknowns, physical half-life {physical_s} s"
        raise RangeError(found, where="fit_voxels", remedy="add scans; for one time point use single_time_point with a half-life")
    if not np.isfinite(activity_Bq).all() or activity_Bq.shape[0] != len(t_s) or not (sd_Bq > 0).all():
        found = f"activities of shape {activity_Bq.shape} that are not finite, or sd not positive, for {len(t_s)} times"
        raise InputError(found, where="fit_voxels", remedy="repair the images, and pass them as (scans, x, y, z)")
    rows = np.ascontiguousarray(activity_Bq.reshape(len(t_s), -1).T)
    hypothesis = Hypothesis(shape, physical_s)
    best = fit(t_s, rows, sd_Bq=np.asarray(sd_Bq, np.float64)[None], hypothesis=hypothesis, effort=QUICK)
    empty = best.status == EMPTY
    parameters = np.where(empty[:, None], -math.inf, best.log_parameters)
    curves = curves_of(hypothesis, parameters)
    voxels = activity_Bq.shape[1:]
    half_life = np.where(empty, math.nan, curves.half_life_s)
    return VoxelFit(
        np.where(empty, 0.0, curves.tia_Bq_s).astype(np.float32).reshape(voxels),
        half_life.astype(np.float32).reshape(voxels),
        best.status.astype(np.int8).reshape(voxels),
    )
