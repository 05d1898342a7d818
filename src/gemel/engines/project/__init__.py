"""Rays through voxels: line integrals, filtered back-projection, spectra, and the noise that counts leave in the image.

Knows rays and weights, nothing of what is scanned. Lengths in mm from the isocentre; z is the axis of rotation.
"""

from gemel.engines.project.adjoint import transposed
from gemel.engines.project.forward import forward
from gemel.engines.project.geometry import Cone, Fan, Geometry, Parallel, field_radius_mm
from gemel.engines.project.grid import Grid, grid_of
from gemel.engines.project.polychromatic import Beam, Detected, log_bias, log_variance, polychromatic, starved
from gemel.engines.project.ramp import SHARP, SOFT, Ramp
from gemel.engines.project.reconstruction import fbp, fdk
from gemel.engines.project.variance import variance

__all__ = [
    "SHARP",
    "SOFT",
    "Beam",
    "Cone",
    "Detected",
    "Fan",
    "Geometry",
    "Grid",
    "Parallel",
    "Ramp",
    "fbp",
    "fdk",
    "field_radius_mm",
    "forward",
    "grid_of",
    "log_bias",
    "log_variance",
    "polychromatic",
    "starved",
    "transposed",
    "variance",
]
