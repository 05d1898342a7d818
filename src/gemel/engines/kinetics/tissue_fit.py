"""Rate constants of many regions from one dynamic scan and one input."""

from dataclasses import dataclass
from itertools import product

import numpy as np
from jaxtyping import Bool, Float, Int

from gemel.core.errors import InputError, RangeError
from gemel.core.image import Array
from gemel.engines.kinetics.input_function import InputFunction, require_cover
from gemel.engines.kinetics.tissue import MIN_S, TWO_TISSUES, Box, Tissue, tissue_of
from gemel.engines.kinetics.tissue_frames import Frames
from gemel.engines.kinetics.tissue_model import frame_means_kernel
from gemel.engines.kinetics.tissue_search import fit_tissue_kernel

STARTS_1_MIN = ((0.03, 0.1, 0.3, 1.0), (0.01, 0.04, 0.15, 0.5), (0.003, 0.015, 0.05, 0.2))
DELAYS = 5
ON_BOUND = 1e-6


@dataclass(frozen=True)
class Regions:
    """Mean activity of each region in each frame, corrected for decay to the time of the input, and its standard deviations.

    An infinite sd leaves a frame out. `sd_known` False: the sd are right but for one factor a region, taken from the residuals.
    Raises InputError for values that are not finite or negative, or sd that are not positive.
    """

    frames: Frames
    activity_Bq_mL: Float[Array, "regions frames"]
    sd_Bq_mL: Float[Array, "#regions frames"]
    names: tuple[str, ...]
    sd_known: bool = False

    def __post_init__(self) -> None:
        shape = (len(self.names), self.frames.start_s.size)
        if self.activity_Bq_mL.shape != shape or self.sd_Bq_mL.shape not in (shape, (1, shape[1])):
            found = f"activities {self.activity_Bq_mL.shape} and sd {self.sd_Bq_mL.shape} for {shape[0]} regions and {shape[1]} frames"
            raise InputError(found, where="Regions", remedy="pass one row a region and one column a frame")
        if np.isnan(self.sd_Bq_mL).any() or (self.sd_Bq_mL <= 0).any():
            raise InputError("a standard deviation that is not positive", where="Regions", remedy="an unused frame has an infinite sd")
        seen = np.broadcast_to(np.isfinite(self.sd_Bq_mL), shape)
        for i, name in enumerate(self.names):
            _require_measured(self.activity_Bq_mL[i][seen[i]], name)


@dataclass(frozen=True)
class TissueFit:
    """Fitted parameters, the Fisher matrix of (ln K₁ … ln k₄, v_B, delay), and a status (0 found, 1 not at rest, 2 no activity)."""

    box: Box
    tissue: Tissue
    fisher: Float[Array, "regions 6 6"]
    chi2: Float[Array, "regions"]
    status: Int[Array, "regions"]

    @property
    def on_bound(self) -> Bool[Array, "regions parameters"]:
        """Which fitted parameters ended on their bound: the scan does not tell them (a blood volume of zero is no such case)."""
        rows, low, high = self.tissue.rows, self.box.lower.rows, self.box.upper.rows
        near = (np.abs(rows - low) <= ON_BOUND * np.abs(low)) | (np.abs(rows - high) <= ON_BOUND * np.abs(high))
        return np.asarray(near & (low < high))


def fit_tissue(regions: Regions, curve: InputFunction, box: Box = TWO_TISSUES) -> TissueFit:
    """Weighted least squares of all regions at once, by Levenberg–Marquardt from the best of a fixed set of starts. Deterministic.

    Model values are exact means over the frames for a piecewise-linear input. Raises RangeError when the input does not cover the scan,
    or a region has no more frames than unknowns; InputError when a blood volume is sought without blood.
    """
    _require_enough(regions, box)
    if curve.blood_Bq_mL is None and box.upper.rows[0, 4] > 0:
        raise InputError("no whole blood", where=box.name, remedy="give blood_Bq_mL, or hold vB at zero in both bounds")
    lower, upper = box.lower.rows[0], box.upper.rows[0]
    require_cover(curve, float(regions.frames.edges_s[-1]) - min(float(lower[5]), 0.0))
    rows = len(regions.names)
    activity, weights = _rows(regions)
    out = (np.empty((rows, 6)), np.empty(rows), np.empty(rows, np.int64), np.zeros((rows, 6, 6)))
    problem = (curve.knots, regions.frames.edges_s, lower, upper)
    fit_tissue_kernel(activity, weights, problem, starts_of(box), out)
    lowered = np.tril(out[3])
    fisher = lowered + np.tril(lowered, -1).transpose(0, 2, 1)
    spread = np.ones(rows) if regions.sd_known else 2 * out[1] / (used_frames(regions) - len(box.free))
    with np.errstate(divide="ignore"):
        fisher = fisher / spread[:, None, None]
    return TissueFit(box, tissue_of(out[0]), fisher, 2 * out[1], out[2])


def frame_means(tissue: Tissue, curve: InputFunction, frames: Frames) -> Float[Array, "regions frames"]:
    """Mean activity of each frame: what a noiseless scanner would measure. Raises RangeError when the input does not cover the scan."""
    rows = np.ascontiguousarray(tissue.rows)
    require_cover(curve, float(frames.edges_s[-1]) - min(float(rows[:, 5].min()), 0.0))
    out = np.empty((len(rows), frames.start_s.size))
    frame_means_kernel(rows, curve.knots, frames.edges_s, out)
    return out


def starts_of(box: Box) -> Float[Array, "starts parameters"]:
    """Starting points in the box: decades of the rates that brains, tumours and hearts show, and delays across their bounds."""
    lower, upper = box.lower.rows[0], box.upper.rows[0]
    delays = np.unique(np.linspace(lower[5], upper[5], DELAYS))
    rates = [np.unique(np.clip(np.array(r) / MIN_S, lo, hi)) for r, lo, hi in zip(STARTS_1_MIN, lower[1:4], upper[1:4], strict=True)]
    return np.array([(1.0, *k, 0.0, delay) for *k, delay in product(*rates, delays)])


def used_frames(regions: Regions) -> Int[Array, "regions"]:
    """Number of frames that count in each region."""
    return np.asarray(np.broadcast_to(np.isfinite(regions.sd_Bq_mL).sum(axis=1), len(regions.names)))


def _rows(regions: Regions) -> tuple[Float[Array, "regions frames"], Float[Array, "regions frames"]]:
    """Activities and weights 1/sd²; what does not count is zero in both."""
    sd = np.broadcast_to(regions.sd_Bq_mL, regions.activity_Bq_mL.shape)
    weights = np.array(1.0 / np.square(sd), np.float64, order="C")
    return np.array(np.where(weights > 0, regions.activity_Bq_mL, 0.0), np.float64, order="C"), weights


def _require_enough(regions: Regions, box: Box) -> None:
    fewest = int(used_frames(regions).min())
    if fewest <= len(box.free):
        found = f"{fewest} frames for {len(box.free)} unknowns ({', '.join(box.free)})"
        raise RangeError(found, where=box.name, remedy="use shorter frames, or hold a parameter by equal bounds")


def _require_measured(activity: Array, name: str) -> None:
    if not np.isfinite(activity).all():
        raise InputError("an activity that is not a number", where=name, remedy="give the frame an infinite sd to leave it out")
    if (activity < 0).any():
        found = f"a negative activity ({float(activity.min()):.4g} Bq/mL)"
        raise InputError(found, where=name, remedy="check the background that was subtracted, or give the frame an infinite sd")
    if not (activity > 0).any():
        raise InputError("no activity in any frame", where=name, remedy="leave the region out, or check its mask")
