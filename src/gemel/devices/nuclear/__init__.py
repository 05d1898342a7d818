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
from gemel.devices.nuclear.recovery import NO_LOSS, Recovery, edge_slope, fit_recovery, sphere_recovery
from gemel.devices.nuclear.regions import Blur, Region, by_label, measure, volume_relative_sd
from gemel.devices.nuclear.series import Series, quantify, time_integrated

__all__ = [
    "NO_LOSS", "Aligned", "Blur", "Calibration", "Camera", "Followed", "Recovery", "Region", "Series",
    "acquire", "align", "blurred", "by_label", "calibrated", "edge_slope", "fit_recovery", "follow", "from_phantom", "measure",
    "nonparalysable_rate_1_s", "nonparalysable_true_1_s", "onto_image", "paralysable_rate_1_s", "paralysable_true_1_s", "quantify",
    "sphere_recovery", "stacked", "time_integrated", "volume_relative_sd",
]  # fmt: skip
