"""CT scanners: what their numbers mean, how their noise and dose come about, and what a protocol would show."""

from gemel.devices.ct.anatomy import Anatomy, trace, water_ellipse_HU
from gemel.devices.ct.dose import size_factor, ssde, water_equivalent_diameter_cm
from gemel.devices.ct.exposure import Exposure, expose
from gemel.devices.ct.insertion import lower_dose
from gemel.devices.ct.noise import noise_sd
from gemel.devices.ct.protocol import Protocol
from gemel.devices.ct.scanner import Scanner, generic
from gemel.devices.ct.slice_model import SliceForecast, noise_map_HU, slice_model
from gemel.devices.ct.stoichiometric import default_hu_rsp_table
from gemel.devices.ct.task import Task
from gemel.devices.ct.tube import tungsten

__all__ = [
    "Anatomy",
    "Exposure",
    "Protocol",
    "Scanner",
    "SliceForecast",
    "Task",
    "default_hu_rsp_table",
    "expose",
    "generic",
    "lower_dose",
    "noise_map_HU",
    "noise_sd",
    "size_factor",
    "slice_model",
    "ssde",
    "trace",
    "tungsten",
    "water_ellipse_HU",
    "water_equivalent_diameter_cm",
]
