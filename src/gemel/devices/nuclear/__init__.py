"""SPECT and PET as measuring devices: calibration, dead time, recovery, regions, alignment, noise; scans → activities over time."""

from gemel.devices.nuclear.align import Aligned, align, stacked
from gemel.devices.nuclear.calibration import Calibration, calibrated, from_phantom
from gemel.devices.nuclear.dead_time import (
    nonparalysable_rate_1_s,
    nonparalysable_true_1_s,
    paralysable_rate_1_s,
    paralysable_true_1_s,
)
from gemel.devices.nuclear.noise import Camera, acquire, blurred
from gemel.devices.nuclear.outlines import Followed, follow, onto_image
from gemel.devices.nuclear.planar import Passage, PlanarRegion, conjugate_view, hybrid, planar_scans, retention
from gemel.devices.nuclear.recovery import NO_LOSS, Recovery, edge_slope, fit_recovery, sphere_recovery
from gemel.devices.nuclear.regions import Blur, Region, by_label, measure, volume_relative_sd
from gemel.devices.nuclear.series import Series, quantify, require_common_scale, require_unlike, scale_of, time_integrated

__all__ = [
    "NO_LOSS", "Aligned", "Blur", "Calibration", "Camera", "Followed", "Passage", "PlanarRegion", "Recovery", "Region", "Series",
    "acquire", "align", "blurred", "by_label", "calibrated", "conjugate_view", "edge_slope", "fit_recovery", "follow", "from_phantom",
    "hybrid", "measure", "nonparalysable_rate_1_s", "nonparalysable_true_1_s", "onto_image", "paralysable_rate_1_s",
    "paralysable_true_1_s", "planar_scans", "quantify", "require_common_scale", "require_unlike", "retention",
    "scale_of", "sphere_recovery", "stacked", "time_integrated", "volume_relative_sd",
]  # fmt: skip
