"""Stress for the densities to come: a few that span the courses the priors expect, each solved for once.

Shear moduli 2, 4 and 10 kPa of fat, fibroglandular tissue and tumour, ν = 0.45, and −λ ∇N as the force of growth: Weis et al. 2013, Phys
Med Biol 58:5851 (ratios as measured by Samani, Zubovits & Plewes 2007, Phys Med Biol 52:1565, who find tumours 3 to 10 times as stiff).
"""

from dataclasses import replace

import numpy as np
from jaxtyping import Float

from gemel.core.image import Array
from gemel.core.parameter import draw_free
from gemel.core.time import DAY_S
from gemel.engines.fem.elasticity import Fixed, Solid, border, displacement_mm, solid, stress_kPa
from gemel.engines.inference.course import named
from gemel.systems.breast.body import Body
from gemel.systems.breast.drugs import Dose
from gemel.systems.breast.grid import Working
from gemel.systems.breast.growth import advance, begin
from gemel.systems.breast.population import parameters

G_kPa = {1: 2.0, 2: 4.0}
G_TUMOUR_kPa = 10.0
POISSON_1 = 0.45
FORCE_kPa = 20.0
"""λ, for cells at capacity: von Mises stress at the edge of a dense tumour is then about 1 kPa, within the 0.4 to 8 kPa of stress by growth
that Stylianopoulos et al. 2012, Proc Natl Acad Sci 109:15101, found. γ, which multiplies it, is a parameter."""
COURSES, BASIS = 40, 16
LATER_d = (21.0, 42.0, 84.0, 126.0)
USUAL_d = (1.0, 22.0, 43.0, 64.0)
SEED = 13


def coupled(body: Body, held: Working) -> Body:
    """The body with stresses for BASIS densities: the principal ones (SVD) of COURSES prior courses of four months, not coupled."""
    basis = densities(body)
    tissue = stiffness(held)
    fields = np.zeros((len(basis), *held.mask.shape))
    fields[:, held.mask] = basis
    stress = np.stack([growth_stress_kPa(field, tissue)[:, held.mask] for field in fields])
    return replace(body, stress_basis=basis, stress_kPa=stress.astype(np.float32))


def stiffness(held: Working) -> Solid:
    """The box about the tumour as an elastic body: tumour, fibroglandular tissue, and fat for the rest. E = 2 G (1 + ν)."""
    G = np.full(held.mask.shape, G_kPa[1])
    for label, value in G_kPa.items():
        G[held.tissue == label] = value
    G[held.tumour] = G_TUMOUR_kPa
    return solid(2 * G * (1 + POISSON_1), POISSON_1, held.grid.spacing_mm)


def growth_stress_kPa(density: Float[Array, "x y z"], tissue: Solid) -> Float[Array, "six x y z"]:
    """σ (xx yy zz xy yz zx) of cells that push outwards by FORCE_kPa times their density; the border of the box does not move."""
    moved = displacement_mm(tissue, Fixed(border(tissue)), pressure_kPa=FORCE_kPa * np.asarray(density, dtype=np.float64), tolerance=1e-4)
    found = stress_kPa(moved, tissue)
    return np.stack([found[..., i, j] for i, j in ((0, 0), (1, 1), (2, 2), (0, 1), (1, 2), (2, 0))])


def densities(body: Body) -> Float[Array, "r n"]:
    """Orthonormal densities that hold most of what cells will look like; the same for the same body."""
    rng, priors = np.random.default_rng(SEED), parameters(len(body.modes), coupled=False)
    params = named(priors, draw_free(priors, COURSES, rng))
    given = body.given or tuple(Dose("AC", body.start_s + day * DAY_S, 1.0) for day in USUAL_d)
    state = begin(body, params)
    seen = [state["density"]]
    for day in LATER_d:
        state = advance(body, state, params, given, body.start_s + day * DAY_S)
        seen.append(state["density"])
    _, sizes, rows = np.linalg.svd(np.concatenate(seen).astype(np.float64), full_matrices=False)
    return np.ascontiguousarray(rows[:BASIS][sizes[:BASIS] > 1e-6 * sizes[0]].astype(np.float32))
