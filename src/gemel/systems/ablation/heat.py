"""From parameters and applications to temperature and damage, and to the few numbers that scans and decisions are about."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32

from gemel.core.belief import Params
from gemel.core.errors import InputError
from gemel.core.image import Array
from gemel.devices.needle import places_mm
from gemel.engines.inference.slow import Done
from gemel.engines.inference.slow_model import by_draw, ln_mL, share_over
from gemel.engines.pde.bioheat_explicit import Tissue, heated
from gemel.systems.ablation.applicator import Application, heat_W_m3, reach_mm, read_kind
from gemel.systems.ablation.body import Body
from gemel.systems.ablation.electrode import pattern_1_m3
from gemel.systems.ablation.names import RADIOFREQUENCY
from gemel.systems.ablation.tissue import WARMING_1_K, BLOOD_J_m3_K

LN_DEAD = float(np.log(4.6))
"""ln Ω where 99 % of cells are dead."""
COOLING_s = 60.0
"""Heat goes on to do harm after the power is off."""
LEVELS = np.array([0.0, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9])
"""Of the target's voxels, from the least harmed on, whose damage is told."""
COOLEST = -3.0
SHARP = 0.7
"""Of ln Ω over which a voxel counts from dead to alive: the zone's edge is then smooth in the parameters."""
VOLUME, ASPECT, HEALTHY, CRITICAL, FIRST_LEVEL = 0, 1, 2, 3, 4
FEATURES = FIRST_LEVEL + len(LEVELS)


@dataclass(frozen=True)
class Field:
    """The highest temperature (°C), Ω and minutes at 43 °C after all applications."""

    T_degC: Float[Array, "x y z"]
    omega: Float[Array, "x y z"]
    cem43_min: Float[Array, "x y z"]


def field(body: Body, params: dict[str, float], applications: tuple[Application, ...]) -> Field:
    """Each application begins at body temperature; damage adds up."""
    of = tissue(body, params)
    total = np.zeros((3, *body.grid.shape), dtype=np.float32)
    total[0] = of.blood_degC
    for one in applications:
        heat = applied_W_m3(body, params, one)
        top, omega, minutes = heated(of, heat, 60.0 * one.minutes, COOLING_s)
        total = np.stack([np.maximum(total[0], top), total[1] + omega, total[2] + minutes])
    return Field(*total)


def applied_W_m3(body: Body, params: dict[str, float], one: Application) -> Float32[Array, "x y z"]:
    """Where the power of an application goes. Raises InputError for an energy that is not at hand."""
    if one.energy not in body.energies:
        found, remedy = f"{one.energy} in a twin of {', '.join(body.energies)}", "begin a twin with --set energy=both"
        raise InputError(found, where="ablation", remedy=remedy)
    if one.energy == RADIOFREQUENCY:
        return (one.power_W * params["rf_efficiency_1"] * pattern_1_m3(body, one.entry)).astype(np.float32)
    across, along = places_mm(body.grid, body.entry(one.entry))
    return heat_W_m3(
        body.maps,
        across,
        along,
        power_W=one.power_W * params["efficiency_1"],
        reach_mm=reach_mm(body.maps, body.organ, across, along, body.MHz),
        length_mm=params["length_mm"],
        voxel_mm3=body.voxel_mm3,
    )


def tissue(body: Body, params: dict[str, float]) -> Tissue:
    """Properties of one draw."""
    share = body.maps.blood_1 * np.where(body.tumour & body.informed, params["tumour_perfusion_1"], 1.0)
    return Tissue(
        inside=body.organ,
        spacing_mm=body.grid.spacing_mm,
        conductivity_W_m_K=(body.maps.conductivity_W_m_K * params["conductivity_1"]).astype(np.float32),
        capacity_J_m3_K=body.maps.capacity_J_m3_K.astype(np.float32),
        perfusion_W_m3_K=(share * (params["perfusion_1_s"] * BLOOD_J_m3_K)).astype(np.float32),
        latent_J_m3=body.maps.latent_J_m3.astype(np.float32),
        warming_1_K=WARMING_1_K,
    )


def dead_1(of: Field) -> Float[Array, "x y z"]:
    """How far each voxel counts as dead, 0 to 1."""
    ln = np.log(np.maximum(of.omega, 1e-6))
    return np.asarray(1.0 / (1.0 + np.exp(np.clip((LN_DEAD - ln) / SHARP, -60, 60))))


def features(body: Body, of: Field) -> Float[Array, "features"]:
    """VOLUME ln mL, ASPECT ln, HEALTHY ln mL beyond the target, CRITICAL °C, and ln Ω over that of death at LEVELS of the target."""
    dead = dead_1(of) * body.organ
    ln = np.maximum(np.log(np.maximum(of.omega[body.target], 1e-6)) - LN_DEAD, COOLEST)
    beyond_mL = float(dead[~body.target].sum()) * body.grid.voxel_mL
    found = np.empty(FEATURES)
    found[VOLUME] = ln_mL(float(dead.sum()) * body.grid.voxel_mL)
    found[ASPECT] = ln_aspect(body, dead)
    found[HEALTHY] = ln_mL(beyond_mL)
    found[CRITICAL] = float(of.T_degC[body.critical & body.organ].max(initial=37.0))
    found[FIRST_LEVEL:] = np.quantile(ln, LEVELS)
    return found


def ln_aspect(body: Body, dead: Float[Array, "x y z"]) -> float:
    """ln of a zone's extent along the first entry over that across it, by second moments; 0 for nothing."""
    if dead.sum() < 8:
        return 0.0
    across, along = places_mm(body.grid, body.entries[0])
    weight = dead / dead.sum()
    spread = float((weight * along**2).sum()) - float((weight * along).sum()) ** 2
    return 0.5 * float(np.log(spread / (0.5 * (weight * across**2).sum())))


def calculated(body: Body, params: Params, done: Done) -> Float[Array, "draws features"]:
    """Features of every draw after what was done."""
    applications = tuple(read_kind(kind, amount) for kind, _, amount in sorted(done, key=lambda one: one[1]))
    return by_draw(lambda row: features(body, field(body, row, applications)), params, done)


def cover_1(shown: Float[Array, "draws features"]) -> Float[Array, "draws"]:
    """Share of the target that is dead, from the damage at LEVELS: where it crosses that of death."""
    return share_over(LEVELS, shown[:, FIRST_LEVEL:], 0.0)
