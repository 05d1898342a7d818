"""Monte Carlo dose of radionuclides in voxels of any tissue: the reference for what a kernel scaled by density cannot do."""

from gemel.engines.dose.decay_monte_carlo.simulation import Tally, Voxels, simulate

__all__ = ["Tally", "Voxels", "simulate"]
