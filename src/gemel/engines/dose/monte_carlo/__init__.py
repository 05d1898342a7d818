"""Monte Carlo of protons in voxels: dose, LET and their statistical uncertainty, from tables that are computed from cited formulas."""

from gemel.engines.dose.monte_carlo.simulation import Tally, simulate, tally

__all__ = ["Tally", "simulate", "tally"]
