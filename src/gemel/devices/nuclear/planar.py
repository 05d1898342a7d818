"""Activity from two opposite planar views: the geometric mean, corrected for attenuation, thickness and what lies before and behind."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from gemel.core.errors import InputError, RangeError, StructureError
from gemel.core.image import Array
from gemel.core.planar import PlanarPair
from gemel.devices.nuclear.calibration import Calibration
from gemel.engines.kinetics import Scans

WHERE = "conjugate views"


@dataclass(frozen=True)
class Passage:
    """What radiation passes on its way: effective attenuation (of this window), thickness of the patient and of the region there.

    Standard deviations are those of one patient, the same in every scan.
    """

    mu_1_mm: float
    mu_sd_1_mm: float
    body_mm: float
    body_sd_mm: float
    region_mm: float
    region_sd_mm: float

    def __post_init__(self) -> None:
        values = (self.mu_1_mm, self.mu_sd_1_mm, self.body_mm, self.body_sd_mm, self.region_mm, self.region_sd_mm)
        if not (np.isfinite(values).all() and min(values) >= 0 and self.mu_1_mm > 0 and 0 < self.region_mm <= self.body_mm):
            found = f"attenuation {self.mu_1_mm}/mm, {self.region_mm} mm in {self.body_mm} mm"
            raise RangeError(found, where=WHERE, remedy="give μ of the window, and a region no thicker than the patient")

    @property
    def log_factor(self) -> float:
        """ln of what the geometric mean is multiplied with: μT/2 + ln f, f = (μt/2)/sinh(μt/2)."""
        half = 0.5 * self.mu_1_mm * self.region_mm
        return 0.5 * self.mu_1_mm * self.body_mm + math.log(half / math.sinh(half))

    @property
    def relative_sd(self) -> float:
        """u of `log_factor`, first order in μ, T and t."""
        half = 0.5 * self.mu_1_mm * self.region_mm
        thinning = 1.0 / half - 1.0 / math.tanh(half)  # d ln f/d(μt/2)
        by_mu = 0.5 * self.body_mm + thinning * 0.5 * self.region_mm
        by_region = thinning * 0.5 * self.mu_1_mm
        return math.hypot(by_mu * self.mu_sd_1_mm, 0.5 * self.mu_1_mm * self.body_sd_mm, by_region * self.region_sd_mm)


@dataclass(frozen=True)
class PlanarRegion:
    """Activity of a region in one pair of views; `noise_rel` of its counts, `path_rel` of attenuation and thickness, in all scans."""

    name: str
    activity_Bq: float
    noise_rel: float
    path_rel: float


def conjugate_view(
    pair: PlanarPair,
    name: str,
    *,
    mask: Bool[Array, "x z"],
    path: Passage,
    calibration: Calibration,
    around: Bool[Array, "x z"] | None = None,
) -> PlanarRegion:
    """A = √(I_A·I_P)·e^(μT/2)·f/(C·duration). Siegel et al. 1999 (MIRD 16), J Nucl Med 40 suppl 2:37S.

    `around`: pixels beside the region; their mean count times (1 - t/T), what the region leaves of the patient's depth, is taken off
    each pixel (Buijs et al. 1998, J Nucl Med 39:2167). Scatter is taken off before, or part of μ. Raises StructureError for empty masks,
    InputError for another nuclide, RangeError when nothing is left above the background.
    """
    if pair.nuclide != calibration.nuclide:
        found = f"a factor for {calibration.nuclide} and views of {pair.nuclide}"
        raise InputError(found, where=pair.source or WHERE, remedy="use the factor of this nuclide, window and collimator")
    behind = 1.0 - path.region_mm / path.body_mm
    net, variance = zip(*(_net(view, mask, around, behind, name) for view in (pair.anterior, pair.posterior)), strict=True)
    if min(net) <= 0:
        raise RangeError("no counts above the background", where=name, remedy="move the background region off the organ, or leave it out")
    mean = math.sqrt(net[0] * net[1])
    noise = 0.5 * math.sqrt(sum(v / n**2 for v, n in zip(variance, net, strict=True)))
    activity_Bq = mean * math.exp(path.log_factor) / (calibration.Q_1_MBq_s * pair.duration_s) * 1e6
    return PlanarRegion(name, activity_Bq, noise, path.relative_sd)


def retention(pairs: Sequence[PlanarPair], body: Bool[Array, "x z"]) -> Float[Array, "scans"]:
    """Activity in the body to that of the first scan, √(I_A·I_P) to its first value; attenuation and calibration cancel. MIRD 16.

    Decay is part of it. With a first scan before the patient empties the bladder the first value is what was injected.
    """
    if not pairs:
        raise InputError("no views", where="retention", remedy="give the views of one scan at least")
    means = np.array([math.sqrt(float(pair.anterior[body].sum()) * float(pair.posterior[body].sum())) / pair.duration_s for pair in pairs])
    if not means[0] > 0:
        raise RangeError("no counts in the first scan", where=pairs[0].source or "retention", remedy="check the outline of the body")
    return np.asarray(means / means[0])


def planar_scans(
    pairs: Sequence[PlanarPair],
    masks: Mapping[str, Bool[Array, "x z"]],
    *,
    paths: Mapping[str, Passage],
    calibration: Calibration,
    around: Mapping[str, Bool[Array, "x z"]] | None = None,
) -> tuple[Scans, Float[Array, "regions"]]:
    """Activity over time of regions on one grid, as `engines.kinetics` takes it; and `path_rel` of each region."""
    beside = around or {}
    found = [
        [conjugate_view(pair, name, mask=mask, path=paths[name], calibration=calibration, around=beside.get(name)) for pair in pairs]
        for name, mask in masks.items()
    ]
    activity = np.array([[one.activity_Bq for one in row] for row in found])
    noise = np.array([[one.noise_rel for one in row] for row in found])
    times = np.array([pair.since_injection_s for pair in pairs])
    return Scans(times, activity, np.maximum(noise, 1e-9) * activity, tuple(masks)), np.array([row[0].path_rel for row in found])


def hybrid(planar: Scans, *, t_s: float, activity_Bq: Float[Array, "regions"]) -> Scans:
    """The planar curves through one SPECT: A(t) = A_planar(t)·A_SPECT/A_planar(t_SPECT), regions in the planar order.

    What all planar views share (attenuation, thickness, calibration, overlap) cancels; what the SPECT shares with itself (calibration,
    recovery, volume) takes its place: `engines.kinetics.shared_covariance`. Between its scans the planar curve is a straight line of ln A.
    Koral et al. 2003, J Nucl Med 44:457. Raises RangeError for a SPECT outside the planar scans, InputError for activities not above 0.
    """
    if not planar.t_s[0] <= t_s <= planar.t_s[-1]:
        span = f"{planar.t_s[0] / 3600:.3g} to {planar.t_s[-1] / 3600:.3g} h"
        raise RangeError(
            f"a SPECT at {t_s / 3600:.3g} h beside planar scans from {span}", where="hybrid", remedy="take it among the planar scans"
        )
    known = np.asarray(activity_Bq, np.float64)
    if known.shape != (len(planar.names),) or not (known > 0).all() or (planar.activity_Bq <= 0).any():
        found = f"activities {known.tolist()} for {', '.join(planar.names)}"
        raise InputError(found, where="hybrid", remedy="give each region's activity of the SPECT, and planar activities above 0")
    there = np.array([np.exp(np.interp(t_s, planar.t_s, np.log(row))) for row in planar.activity_Bq])
    scale = (known / there)[:, None]
    return Scans(planar.t_s, planar.activity_Bq * scale, planar.sd_Bq * scale, planar.names)


def _net(
    view: Float[Array, "x z"], mask: Bool[Array, "x z"], around: Bool[Array, "x z"] | None, behind: float, name: str
) -> tuple[float, float]:
    """Counts of a region above what lies before and behind it, and their variance (Poisson)."""
    pixels = int(np.count_nonzero(mask))
    if mask.shape != view.shape or pixels == 0 or (around is not None and not (around.shape == view.shape and around.any())):
        raise StructureError(f"an empty region, or one of another grid than {view.shape}", where=name, remedy="outline it on the views")
    total = float(view[mask].sum(dtype=np.float64))
    if around is None:
        return total, total
    beside, share = float(view[around].sum(dtype=np.float64)), behind * pixels / np.count_nonzero(around)
    return total - share * beside, total + share**2 * beside
