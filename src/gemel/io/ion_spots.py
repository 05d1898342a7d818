"""Between gemel's spots and an ion plan: beam's-eye view ↔ IEC 61217 gantry coordinates, weights of the course ↔ metersets of a fraction.

A spot is (gantry_deg, x_bev_mm, z_bev_mm, energy_MeV): the beam runs along (-sin g, cos g, 0) in LPS, x_bev along (cos g, sin g, 0), z_bev
along z. In IEC 61217 (couch at 0) the source of the gantry at g lies along z_g, y_g along the axis of rotation towards the gantry, and
x_g = y_g × z_g. For a patient on the back, head towards the gantry (HFS), the fixed axes x_f, y_f, z_f are left, head and front, hence
x_g = (cos g, sin g, 0) = x_bev and y_g = (0, 0, 1) = z_bev: the position map (x, y) is (x_bev, z_bev). The other positions turn the
patient by 180° about the long axis (prone) or about the vertical one (feet first), which is another gantry angle and a sign:

    HFS  g, (x, y)      HFP  g + 180°, (x, y)      FFS  -g, (-x, -y)      FFP  180° - g, (-x, -y)
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float, Shaped

from gemel.core.errors import GeometryError, InputError, RangeError, UnitError
from gemel.core.image import Array
from gemel.io.ion_plan import IonBeam, IonLayer, IonPlan

_TURN = {"HFS": (1, 0.0), "HFP": (1, 180.0), "FFS": (-1, 0.0), "FFP": (-1, 180.0)}  # sign of g, x and y; degrees added to g
_PROTONS = 1e6  # in one unit of weight


def with_spots(
    plan: IonPlan,
    spots: Float[Array, "n 4"],
    weights: Shaped[Array, "n"],
    isocentre_mm: Shaped[Array, "3"] | Sequence[float | int],
    *,
    source_mm: tuple[float, float],
    machine: str,
) -> IonPlan:
    """The plan with one beam an angle and one layer an energy, in the order in which they first occur, in protons a fraction (NP).

    `weights` are 1e6 protons over the course of `plan.fractions` equal fractions. Layers without any are left out.
    Raises InputError when nothing is left, RangeError for a weight that is negative or not finite.
    """
    if len(spots) != len(weights) or not np.isfinite(weights).all() or (np.asarray(weights) < 0).any():
        found = f"{len(spots)} spots with {len(weights)} weights, or a weight that is negative or not finite"
        raise RangeError(found, where=plan.label, remedy="give each spot its weight in 1e6 protons")
    meterset = np.asarray(weights, dtype=np.float64) * (_PROTONS / plan.fractions)
    x, y, z = (float(v) for v in isocentre_mm)
    beams: list[IonBeam] = []
    for gantry_deg in _once(spots[:, 0]):
        at = spots[:, 0] == gantry_deg
        layers = _layers(spots[at], meterset[at], _TURN[plan.patient_position][0])
        if layers:
            number = len(beams) + 1
            angle_deg = _turned_deg(gantry_deg, plan.patient_position)
            beams.append(IonBeam(number, f"G{angle_deg:g}", angle_deg, (x, y, z), layers, source_mm, machine))
    if not beams:
        raise InputError("a plan in which no spot has a weight", where=plan.label, remedy="optimise it first")
    return replace(plan, beams=tuple(beams), unit="NP", approval="UNAPPROVED")


def spots_of(plan: IonPlan) -> tuple[Float[Array, "n 4"], Float[Array, "n"], Float[Array, "3"]]:
    """Spots, weights in 1e6 protons over the course, isocentre: the inverse of `with_spots`.

    Raises UnitError for metersets in MU (see `in_protons`) and GeometryError for beams with isocentres of their own.
    """
    if plan.unit != "NP":
        raise UnitError(f"metersets in {plan.unit}", where=plan.label, remedy="convert them with in_protons and the machine's table")
    isocentres = {beam.isocentre_mm for beam in plan.beams}
    if len(isocentres) != 1:
        found = f"{len(isocentres)} isocentres"
        raise GeometryError(found, where=plan.label, remedy="take one beam at a time: replace(plan, beams=(beam,))")
    rows, weights = [], []
    for beam in plan.beams:
        gantry_deg = _turned_deg(beam.gantry_deg, plan.patient_position)
        for layer in beam.layers:
            place = layer.spots_mm.astype(np.float64) * _TURN[plan.patient_position][0]
            rows.append(np.column_stack([np.full(len(place), gantry_deg), place, np.full(len(place), layer.energy_MeV)]))
            weights.append(layer.meterset.astype(np.float64) * (plan.fractions / _PROTONS))
    return np.concatenate(rows), np.concatenate(weights), np.array(isocentres.pop())


def in_protons(plan: IonPlan, table: Float[Array, "e 2"]) -> IonPlan:
    """The plan in NP. `table` is the machine's own calibration, rows (energy_MeV, protons per MU) of rising energy, linear in between.

    Raises RangeError for an energy outside the table, UnitError for a plan that is in NP already.
    """
    if plan.unit != "MU":
        raise UnitError(f"metersets in {plan.unit}", where=plan.label, remedy="convert a plan in MU only")
    energy_MeV, protons = np.asarray(table, dtype=np.float64).T
    if len(energy_MeV) < 2 or (np.diff(energy_MeV) <= 0).any() or not np.isfinite(table).all() or protons.min() <= 0:
        raise RangeError("a table that does not rise in energy", where="in_protons", remedy="give rows (energy_MeV, protons per MU)")
    beams = tuple(replace(b, layers=tuple(_scaled(x, energy_MeV, protons, plan.label) for x in b.layers)) for b in plan.beams)
    return replace(plan, beams=beams, unit="NP")


def _scaled(layer: IonLayer, energy_MeV: Float[Array, "e"], protons: Float[Array, "e"], where: str) -> IonLayer:
    if not energy_MeV[0] <= layer.energy_MeV <= energy_MeV[-1]:
        found = f"{layer.energy_MeV:g} MeV in a table from {energy_MeV[0]:g} to {energy_MeV[-1]:g} MeV"
        raise RangeError(found, where=where, remedy="give the table of the machine that the plan is for")
    protons_1_MU = np.interp(layer.energy_MeV, energy_MeV, protons)
    return replace(layer, meterset=(layer.meterset * protons_1_MU).astype(np.float32))


def _turned_deg(gantry_deg: float, position: str) -> float:
    """From the gantry's angle to that of gemel's beam's-eye view or back (each turn is its own inverse), in [0, 360)."""
    sign, added = _TURN[position]
    return (sign * float(gantry_deg) + added) % 360.0


def _layers(spots: Float[Array, "n 4"], meterset: Float[Array, "n"], sign: int) -> tuple[IonLayer, ...]:
    layers = []
    for energy_MeV in _once(spots[:, 3]):
        at = spots[:, 3] == energy_MeV
        if meterset[at].any():
            place = (sign * spots[at, 1:3]).astype(np.float32)
            layers.append(IonLayer(float(energy_MeV), place, meterset[at].astype(np.float32)))
    return tuple(layers)


def _once(values: Float[Array, "n"]) -> list[float]:
    """Each value once, in the order of first occurrence."""
    return list(dict.fromkeys(values.tolist()))
