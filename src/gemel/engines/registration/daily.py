"""A new image of a body against an old one: where it lies, how it has deformed, and whether to believe it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float
from scipy import ndimage

from gemel.core.errors import GeometryError
from gemel.core.image import Array, Image
from gemel.engines.registration.basis import BasisFit, fit_basis
from gemel.engines.registration.compare import METAL_HU, onto_grid, smoothed
from gemel.engines.registration.field import DisplacementField, zero_field
from gemel.engines.registration.prior import Modes, Smoothness, velocity_prior
from gemel.engines.registration.posterior import most_probable
from gemel.engines.registration.quality import Quality, quality
from gemel.engines.registration.rigid import HARD_HU, RigidResult, rigid, to_fixed
from gemel.engines.registration.warp import pull
