"""Masked voxel grids: reaction and diffusion in explicit or implicit steps and at rest; potentials, what flows carry, heat. All conserve.

No anatomy here: the organ is a mask, a diffusivity and a reaction handed in.
"""

from gemel.engines.pde.adjoint.derivatives import EventGradient, ExposureGradient, Gradient, total_by_region
from gemel.engines.pde.adjoint.gradient import gradient
from gemel.engines.pde.advection import Carried, Medium, transport
from gemel.engines.pde.batch import Draw, solve_many
from gemel.engines.pde.bioheat import Heated, Heating, Perfused, bioheat
from gemel.engines.pde.domain import Domain, domain
from gemel.engines.pde.elliptic import Held, elliptic
from gemel.engines.pde.events import Event, Exposure, linear_quadratic
from gemel.engines.pde.faces import by_region
from gemel.engines.pde.flow import Flow, darcy
from gemel.engines.pde.implicit import solve_implicit
from gemel.engines.pde.reaction import Reaction, exponential, gompertz, logistic
from gemel.engines.pde.rest import at_rest
from gemel.engines.pde.sink import Sink, michaelis_menten
from gemel.engines.pde.solve import solve, solve_s, stable_step
from gemel.engines.pde.tensors.arithmetic import arithmetic_faces
from gemel.engines.pde.thermal_damage import Arrhenius

__all__ = [
    "Arrhenius",
    "Carried",
    "Domain",
    "Draw",
    "Event",
    "EventGradient",
    "Exposure",
    "ExposureGradient",
    "Flow",
    "Gradient",
    "Heated",
    "Heating",
    "Held",
    "Medium",
    "Perfused",
    "Reaction",
    "Sink",
    "arithmetic_faces",
    "at_rest",
    "bioheat",
    "by_region",
    "darcy",
    "domain",
    "elliptic",
    "exponential",
    "gompertz",
    "gradient",
    "linear_quadratic",
    "logistic",
    "michaelis_menten",
    "solve",
    "solve_implicit",
    "solve_many",
    "solve_s",
    "stable_step",
    "total_by_region",
    "transport",
]
