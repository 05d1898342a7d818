"""Cone-beam CT on the treatment machine: what it makes of an anatomy, by look alone or by its physics, and CT numbers made right."""

from gemel.devices.cbct.acquire import Scan, acquire
from gemel.devices.cbct.correct import Corrected, aligned, corrected
from gemel.devices.cbct.machine import GENERIC, Machine, Scatter
from gemel.devices.cbct.motion import acquire_moving, compensated
from gemel.devices.cbct.reconstruct import reconstruct
from gemel.devices.cbct.simulate import ConeBeam, simulate

__all__ = [
    "GENERIC", "ConeBeam", "Corrected", "Machine", "Scan", "Scatter", "acquire", "acquire_moving", "aligned", "compensated", "corrected",
    "reconstruct", "simulate",
]  # fmt: skip
