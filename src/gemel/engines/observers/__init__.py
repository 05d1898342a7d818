"""How well a signal in noise can be seen: detectability of ideal and human-like linear observers."""

from gemel.engines.observers.auc import auc, auc_of_ratings, detectability_of
from gemel.engines.observers.channelised import Channelised, channelised, expected_square, observed, unbiased_square
from gemel.engines.observers.channels import difference_of_gaussians, gabor, laguerre_gauss
from gemel.engines.observers.eye import eye_filter
from gemel.engines.observers.frequency import Grid, non_prewhitening, prewhitening, spectral_grid
from gemel.engines.observers.hotelling import hotelling
from gemel.engines.observers.signals import disc, disc_spectrum, gaussian_spectrum

__all__ = [
    "Channelised",
    "Grid",
    "auc",
    "auc_of_ratings",
    "channelised",
    "detectability_of",
    "difference_of_gaussians",
    "disc",
    "disc_spectrum",
    "expected_square",
    "eye_filter",
    "gabor",
    "gaussian_spectrum",
    "hotelling",
    "laguerre_gauss",
    "non_prewhitening",
    "observed",
    "prewhitening",
    "spectral_grid",
    "unbiased_square",
]
