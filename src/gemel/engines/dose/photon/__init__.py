"""Photons in tissue: attenuation, and the energy they leave around the point where they start."""

from gemel.engines.dose.photon.point_kernels import absorbed_within

__all__ = ["absorbed_within"]
