"""Electrons in tissue: stopping power and range, single collisions, and the point kernels that come of them."""

from gemel.engines.dose.electron.point_kernels import absorbed_within
from gemel.engines.dose.electron.stopping import collision_MeV_cm2_g, csda_range_g_cm2, radiation_yield

__all__ = ["absorbed_within", "collision_MeV_cm2_g", "csda_range_g_cm2", "radiation_yield"]
