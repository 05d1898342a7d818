"""From one PET scan before therapy to the doses of a cycle: the same person and receptors, another label, more ligand."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gemel.core.errors import InputError, RangeError
from gemel.core.image import Array
from gemel.engines.decay import nuclide
from gemel.systems.theranostics import pbpk
from gemel.systems.theranostics.pbpk_parameters import Number, Values, labelled
from gemel.systems.theranostics.pbpk_posterior import LEARNT, Scan, learnt

LIGAND_SD_1 = 0.2
"""ln-sd between uptake of the ligand that is scanned and of the one that treats, weeks later. Assumed."""
ACTIVE_nmol = 1e-9


@dataclass(frozen=True)
class Administration:
    """A nuclide's activity (MBq) and all cold ligand that comes with it (nmol)."""

    nuclide: str
    activity_MBq: float
    cold_nmol: float

    def __post_init__(self) -> None:
        if not (np.isfinite(self.activity_MBq) and self.activity_MBq > 0 and np.isfinite(self.cold_nmol) and self.cold_nmol >= 0):
            found = f"{self.activity_MBq} MBq with {self.cold_nmol} nmol"
            raise RangeError(found, where=self.nuclide, remedy="give an activity above 0 and ligand from 0")


def scan_of_SUV(
    SUV_g_mL: Mapping[str, float], volume_mL: Mapping[str, float], given: Administration, *, weight_kg: float, t_min: float, sd_1: float
) -> Scan:
    """Activity of organs at t_min from mean SUV, decay-corrected to the injection as SUV is: SUV·V·A₀/W·e^{−λt}, each ± sd_1 of it.

    Thie 2004, J Nucl Med 45:1431. Raises InputError for an organ without volume, RangeError for numbers that are not above 0.
    """
    absent = sorted(set(SUV_g_mL) - set(volume_mL))
    if absent:
        raise InputError(f"no volume of {', '.join(absent)}", where="PET", remedy="give one for each organ")
    numbers = [weight_kg, t_min, sd_1, *SUV_g_mL.values(), *(volume_mL[organ] for organ in SUV_g_mL)]
    if not (np.isfinite(numbers).all() and min(numbers) > 0):
        raise RangeError("SUV, volume, weight, time or error that is not above 0", where="PET", remedy="check their units")
    left = given.activity_MBq / (1000 * weight_kg) * 2 ** (-t_min * 60 / nuclide(given.nuclide).half_life_s)
    MBq = {organ: float(SUV * volume_mL[organ] * left) for organ, SUV in SUV_g_mL.items()}
    return Scan(t_min, MBq, {organ: sd_1 * value for organ, value in MBq.items()})


def conditioned(
    known: Values, pet: Scan, given: Administration, rng: np.random.Generator, *, names: tuple[str, ...] = LEARNT, draws: int = 400
) -> dict[str, Number]:
    """Draws of a person's parameters from activity (MBq) of organs in one PET. Raises as `learnt`, InputError for an unknown nuclide."""
    params = labelled(known, given.nuclide)
    return dict(learnt(params, [pet], injection(params, given), rng, names=names, draws=draws))


def forecast_h(
    person: Values, therapy: Administration, rng: np.random.Generator, *, ligand_sd_1: float = LIGAND_SD_1
) -> dict[str, Float[Array, "draws"]]:
    """Residence time (h) of organs under therapy for draws of a person, before or after a PET; dose is it times activity times S.

    `ligand_sd_1`: what uptake of the other ligand differs by, of each organ by itself.
    """
    params = labelled(person, therapy.nuclide)
    there = injection(params, therapy)
    found = {organ: np.atleast_1d(hours) for organ, hours in pbpk.tiac_h(params, there.hot_nmol, there.cold_nmol, every_min=0).items()}
    return {organ: hours * np.exp(ligand_sd_1 * rng.standard_normal(len(hours))) for organ, hours in found.items()}


def doses_Gy(residence_h: Mapping[str, Array], activity_MBq: float, S_Gy_MBq_h: Mapping[str, float]) -> dict[str, Float[Array, "draws"]]:
    """D = A₀·τ·S of every organ that has an S. Raises InputError for one that has no residence time."""
    strange = sorted(set(S_Gy_MBq_h) - set(residence_h))
    if strange:
        raise InputError(f"S of {', '.join(strange)}", where="PET forecast", remedy=f"name organs of the model: {', '.join(residence_h)}")
    return {organ: activity_MBq * residence_h[organ] * S for organ, S in S_Gy_MBq_h.items()}


def injection(params: Values, given: Administration) -> pbpk.Injection:
    """Ligand of an administration: what carries the activity, and the cold."""
    return pbpk.Injection(max(given.activity_MBq / float(pbpk.MBq_per_nmol(params)), ACTIVE_nmol), given.cold_nmol)
