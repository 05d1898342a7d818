"""Whether a grid is too coarse for the fronts that run through it."""

import warnings

import numpy as np
from jaxtyping import Float, Shaped

from gemel.core.image import Array
from gemel.engines.pde.domain import Domain
from gemel.engines.pde.faces import Diffusivity
from gemel.engines.pde.reaction import LOGISTIC, Reaction, standard_rate
from gemel.engines.pde.tensors.links import is_tensor


def warn_if_coarse(on: Domain, diffusivity: Diffusivity, reaction: Reaction) -> None:
    """Semi-discrete fronts are 4 % fast at h √(k/D) = 1 and 35 % at 4.5; judged where √(kD), their speed, is largest in the mask.

    Of growth that is exponential while u is small; one species. Others have no rate that could be read off.
    """
    ratio = coarseness(on, diffusivity, reaction)
    if ratio > 1.0 + 1e-9:
        warnings.warn(f"the grid is coarse for its front: h √(k/D) = {ratio:.3g} > 1; fronts run too fast, use a finer grid", stacklevel=6)


def coarseness(on: Domain, diffusivity: Diffusivity, reaction: Reaction) -> float:
    """h √(k/D) where fronts are fastest, 0 where there are none; h the longest edge along which there is more than one voxel."""
    if reaction.rate is not standard_rate or reaction.which != LOGISTIC:
        return 0.0
    k, D = np.broadcast_arrays(_inside(np.asarray(reaction.parameters[0]), on), _inside(_largest(np.asarray(diffusivity), on), on))
    speed2 = np.where((k > 0) & (D > 0), k * D, 0.0)
    at = int(speed2.argmax())
    h_mm = float(on.spacing_mm[[n > 3 for n in on.inside.shape]].max(initial=0.0))
    return h_mm * float(np.sqrt(k[at] / D[at])) if speed2[at] > 0 else 0.0


def _largest(D: Shaped[Array, "..."], on: Domain) -> Shaped[Array, "..."]:
    """Of a tensor its largest component."""
    if not is_tensor(D, on):
        return D.reshape(on.shape if D.size > 1 else ())
    return np.asarray(D.max() if D.ndim == 2 else D.reshape(*on.shape, -1).max(axis=-1))


def _inside(value: Shaped[Array, "..."], on: Domain) -> Float[Array, "n"]:
    """A number, or a map in the voxels of the mask."""
    return np.asarray(value[on.leave(on.inside)] if value.ndim else value.reshape(1), dtype=np.float64)
