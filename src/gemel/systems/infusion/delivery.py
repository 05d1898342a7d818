"""From parameters and infusions to concentration, and to the few numbers that scans and decisions are about."""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from jaxtyping import Float

from gemel.core.belief import Params
from gemel.core.image import Array
from gemel.engines.inference.slow import Done
from gemel.engines.inference.slow_model import by_draw, ln_mL, share_over
from gemel.engines.pde import Flow, Held, Medium, darcy, domain, transport
from gemel.systems.infusion.body import Body
from gemel.systems.infusion.catheter import Infusion, read_kind, source_1_s

SEEN_1, SHARP_1 = 0.3, 0.08
"""Concentration, of what is infused, from which contrast is seen and drug counts; width over which a voxel counts. Assumed."""
MOBILITY_mm2_kPa_s = 1.5e-1
"""K/μ of grey matter: 1.5e-12 m²/(Pa s) is of the order of Morrison et al. 1994, Am J Physiol 266:R292. Only ratios matter here."""
DIFFUSIVITY_mm2_s = 1.5e-4
"""Of gadolinium-DTPA in brain: its free 5e-4 mm²/s over a tortuosity squared near 2.6 to 3. Nicholson & Sykova 1998, TINS 21:207."""
OEDEMA_1 = 2.0
"""Pores and their ease in oedema over those of brain: Sampson et al. 2007, Neuro-Oncol 9:343 (direction); size assumed."""
LEVELS = np.array([0.0, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.97, 1.0])
VOLUME, EXTENT, LEAK, FIRST_LEVEL = 0, 1, 4, 5
FEATURES = FIRST_LEVEL + len(LEVELS)


@dataclass(frozen=True)
class Delivered:
    """c (of what is infused) in the pores, and what entered, what left into fluid (mm³ of infusate)."""

    c_1: Float[Array, "x y z"]
    given_mm3: float
    left_mm3: float


def delivered(body: Body, params: dict[str, float], infusions: tuple[Infusion, ...]) -> Delivered:
    """Steady flow of each infusion carries what the ones before left; between them nothing moves."""
    porosity = np.where(body.fluid, 1.0, np.minimum(params["porosity_1"] * swollen_1(body), 0.9))
    c, given, left = np.zeros(body.grid.shape), 0.0, 0.0
    for one in infusions:
        flow, source = _unit_flow(body, one.catheter, params["anisotropy_1"], params["backflow_1"])
        rate, (x, y, z) = one.rate_uL_min, flow.faces
        flow = replace(flow, faces=(rate * x, rate * y, rate * z), pressure=rate * flow.pressure)
        medium = Medium(porosity, DIFFUSIVITY_mm2_s, params["loss_1_s"], body.fluid, rate * source)
        found = transport(flow, medium, t_s=np.array([3600.0 * one.hours]), c0=c, fast=0.02)
        c, given, left = found.c[0], given + float(found.given[0]), left + float(found.left[0])
    return Delivered(c, given, left)


@lru_cache(maxsize=40)
def _unit_flow(body: Body, catheter: str, anisotropy_1: float, backflow_1: float) -> tuple[Flow, Float[Array, "x y z"]]:
    """Darcy's flow of 1 µL/min, which scales with the rate, and its source.

    K follows the tensor of diffusion of water with the exponent `anisotropy_1`: 1 is proportional, 0 isotropic. Tuch et al. 2001,
    PNAS 98:11697 (proportional); Linninger et al. 2008, Ann Biomed Eng 36:1398 (infusion with it).
    """
    eased, swollen = body.eased(anisotropy_1), swollen_1(body)
    mobility = MOBILITY_mm2_kPa_s * eased * (swollen if len(body.ease_1) == 3 else swollen[..., None])
    source = source_1_s(body.catheter(catheter), Infusion(1.0, 1.0, catheter), backflow_1, body.tissue, body.grid)
    on = domain(body.brain, body.grid.spacing_mm)
    return darcy(on, mobility, source=source, held=Held(body.fluid), tolerance=1e-6), source


def swollen_1(body: Body) -> Float[Array, "x y z"]:
    """How much more open oedema is than brain."""
    return np.where(body.oedema, OEDEMA_1, 1.0)


def seen_1(of: Delivered) -> Float[Array, "x y z"]:
    """How far each voxel counts as reached, 0 to 1."""
    return np.asarray(1.0 / (1.0 + np.exp(np.clip((SEEN_1 - of.c_1) / SHARP_1, -60, 60))) * (of.c_1 > 1e-3))


def features(body: Body, of: Delivered) -> Float[Array, "features"]:
    """VOLUME ln mL, EXTENT ln mm along x, y, z, LEAK share of what was given, and c at LEVELS of the target's voxels."""
    reached = seen_1(of) * body.tissue
    found = np.empty(FEATURES)
    found[VOLUME] = ln_mL(float(reached.sum()) * body.grid.voxel_mL)
    found[EXTENT:LEAK] = ln_extents(body, reached)
    found[LEAK] = of.left_mm3 / of.given_mm3 if of.given_mm3 else 0.0
    found[FIRST_LEVEL:] = np.quantile(of.c_1[body.target], LEVELS)
    return found


def ln_extents(body: Body, reached: Float[Array, "x y z"]) -> Float[Array, "3"]:
    """ln of √5 standard deviations along x, y, z: the half axes of an ellipsoid; one voxel for nothing."""
    if reached.sum() < 1:
        return np.log(body.grid.spacing_mm)
    found = []
    for axis, spacing in enumerate(body.grid.spacing_mm):
        along = reached.sum(axis=tuple(other for other in range(3) if other != axis))
        place = np.arange(len(along)) * spacing
        middle = float((along * place).sum() / along.sum())
        found.append(0.5 * np.log(5.0 * float((along * (place - middle) ** 2).sum() / along.sum()) + spacing**2 / 12.0))
    return np.array(found)


def calculated(body: Body, params: Params, done: Done) -> Float[Array, "draws features"]:
    """Features of every draw after what was done."""
    infusions = tuple(read_kind(kind, amount) for kind, _, amount in sorted(done, key=lambda one: one[1]))
    return by_draw(lambda row: features(body, delivered(body, row, infusions)), params, done)


def cover_1(shown: Float[Array, "draws features"]) -> Float[Array, "draws"]:
    """Share of the target with at least SEEN_1: where c at LEVELS crosses it."""
    return share_over(LEVELS, shown[:, FIRST_LEVEL:], SEEN_1)
