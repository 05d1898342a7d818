"""Activity over time: scans of some regions → curves, time-integrated activities and their covariance."""

from gemel.engines.kinetics.factors import factor_draws, shared_covariance, with_factors
from gemel.engines.kinetics.fit import Curves, Fit, Hypothesis, curves_of, fit
from gemel.engines.kinetics.graphical import logan, patlak
from gemel.engines.kinetics.physical import require_no_gain, require_physical
from gemel.engines.kinetics.posterior import Posterior, posterior
from gemel.engines.kinetics.scans import Scans
from gemel.engines.kinetics.shapes import BI, MONO, SHAPES, TRI, UPTAKE, Prior, Shape, allowed, flat_prior, weak_prior
from gemel.engines.kinetics.single_point import (
    activity_draws_Bq,
    hanscheid_ratio,
    hanscheid_tia_Bq_s,
    population_half_life_s,
    single_time_point,
)
from gemel.engines.kinetics.trapezoid import trapezoid
from gemel.engines.kinetics.voxels import VoxelFit, fit_voxels

__all__ = [
    "BI", "MONO", "SHAPES", "TRI", "UPTAKE", "Curves", "Fit", "Hypothesis", "Posterior", "Prior", "Scans", "Shape", "VoxelFit",
    "activity_draws_Bq", "allowed", "curves_of", "factor_draws", "fit", "fit_voxels", "flat_prior", "hanscheid_ratio",
    "hanscheid_tia_Bq_s", "logan", "patlak", "population_half_life_s", "posterior", "require_no_gain", "require_physical",
    "shared_covariance",
    "single_time_point", "trapezoid", "weak_prior", "with_factors",
]  # fmt: skip
