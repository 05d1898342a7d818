"""Reaction and diffusion on masked voxel grids: in time, by conservative explicit steps, and at rest, by Newton's method.

No anatomy here: the organ is a mask, a diffusivity and a reaction handed in.
"""

from gemel.engines.pde.events import Event
from gemel.engines.pde.faces import by_region
from gemel.engines.pde.reaction import Reaction, exponential, logistic
from gemel.engines.pde.rest import at_rest
from gemel.engines.pde.sink import Sink, michaelis_menten
from gemel.engines.pde.solve import solve, solve_s, stable_step

__all__ = [
    "Event",
    "Reaction",
    "Sink",
    "at_rest",
    "by_region",
    "exponential",
    "logistic",
    "michaelis_menten",
    "solve",
    "solve_s",
    "stable_step",
]
