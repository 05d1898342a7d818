"""Cone-beam CT on the treatment machine: what it makes of an anatomy."""

from gemel.devices.cbct.simulate import ConeBeam, simulate

__all__ = ["ConeBeam", "simulate"]
