"""Biologically effective dose of radionuclide therapy, by organ or by voxel: BED, EQD2, and what is built on them.

The linear-quadratic model with repair: Dale 1996, Phys Med Biol 41:1871; Wessels et al. 2008 (MIRD pamphlet 20), J Nucl Med 49:1884.
All doses are in Gy and times in hours; every argument may be one number or an array, and arrays broadcast.
"""

from collections.abc import Sequence

import numpy as np

from gemel.core.errors import InputError
from gemel.systems.theranostics.complication import equivalent_uniform_dose_Gy, ntcp
from gemel.systems.theranostics.limits import Limit, limits, limits_of
from gemel.systems.theranostics.mixed_radiation import alpha_bed_Gy, draw_rbe, mixed_bed_Gy, mixed_survival
from gemel.systems.theranostics.oxygen_modification import hypoxic_survival, oxygen_modification_1
from gemel.systems.theranostics.protraction import Cycle, dose_of_cycles_Gy, protraction_factor, protraction_of_cycles, quadratic_dose_Gy2
from gemel.systems.theranostics.protraction_sampled import protraction_of_samples
from gemel.systems.theranostics.quantities import Numbers, Result, at_least_zero, over_zero, plain
from gemel.systems.theranostics.tumour_control import equivalent_uniform_bed_Gy, survival, tumour_control

__all__ = [
    "Cycle",
    "Limit",
    "alpha_bed_Gy",
    "bed_Gy",
    "bed_of_cycles_Gy",
    "bed_of_protraction_Gy",
    "draw_rbe",
    "eqd2_Gy",
    "equivalent_uniform_bed_Gy",
    "equivalent_uniform_dose_Gy",
    "hypoxic_survival",
    "limits",
    "limits_of",
    "mixed_bed_Gy",
    "mixed_survival",
    "ntcp",
    "oxygen_modification_1",
    "protraction_factor",
    "protraction_of_cycles",
    "protraction_of_samples",
    "quadratic_dose_Gy2",
    "survival",
    "tumour_control",
]


def bed_Gy(dose_Gy: Numbers, T_eff_h: Numbers, T_rep_h: Numbers, alpha_beta_Gy: Numbers) -> Result:
    """BED = D (1 + T_rep/(T_rep + T_eff) · D/(α/β)) of a dose given with effective half-life T_eff, repaired with T_rep.

    Dale 1996, eq. 11, exponential decay from t = 0 to its end. Raises RangeError for a negative dose, a half-life or α/β not over
    zero, or NaN. For uptake, many exponentials or cycles see `bed_of_cycles_Gy`; for any curve `bed_of_protraction_Gy`.
    """
    T_rep = over_zero(T_rep_h, "T_rep_h")
    return bed_of_protraction_Gy(dose_Gy, T_rep / (T_rep + over_zero(T_eff_h, "T_eff_h")), alpha_beta_Gy)


def bed_of_protraction_Gy(dose_Gy: Numbers, G_1: Numbers, alpha_beta_Gy: Numbers) -> Result:
    """BED = D (1 + G D/(α/β)) for any time course, its G from `protraction_factor`, `protraction_of_samples` or `protraction_of_cycles`."""
    dose, G = at_least_zero(dose_Gy, "dose_Gy"), at_least_zero(G_1, "G_1")
    return plain(np.asarray(dose * (1.0 + G * dose / over_zero(alpha_beta_Gy, "alpha_beta_Gy"))))


def bed_of_cycles_Gy(cycles: Sequence[Cycle], T_rep_h: float | int, alpha_beta_Gy: Numbers) -> Result:
    """BED = D + G D²/(α/β) of a course of cycles, with residual activity and unrepaired damage between them."""
    dose_Gy = dose_of_cycles_Gy(cycles)
    return plain(np.asarray(dose_Gy + quadratic_dose_Gy2(cycles, T_rep_h) / over_zero(alpha_beta_Gy, "alpha_beta_Gy")))


def eqd2_Gy(
    dose_Gy: Numbers | None = None,
    T_eff_h: Numbers | None = None,
    T_rep_h: Numbers | None = None,
    alpha_beta_Gy: Numbers | None = None,
    *,
    bed_Gy: Numbers | None = None,
) -> Result:
    """EQD2 = BED/(1 + 2/(α/β)): the dose in 2-Gy fractions with the same effect. Bentzen et al. 2012, Radiother Oncol 105:266.

    From a dose and its half-lives, `eqd2_Gy(dose_Gy, T_eff_h, T_rep_h, alpha_beta_Gy)`, in the order of `bed_Gy`; or from a BED,
    `eqd2_Gy(bed_Gy=…, alpha_beta_Gy=…)`, for which two plain numbers are short: `eqd2_Gy(bed, alpha_beta)`.
    Raises InputError for any other set of arguments, RangeError as `bed_Gy`.
    """
    if bed_Gy is None and dose_Gy is not None and T_rep_h is None and (T_eff_h is None) != (alpha_beta_Gy is None):
        bed_Gy, dose_Gy, alpha_beta_Gy, T_eff_h = dose_Gy, None, T_eff_h if alpha_beta_Gy is None else alpha_beta_Gy, None
    if bed_Gy is None and dose_Gy is not None and T_eff_h is not None and T_rep_h is not None and alpha_beta_Gy is not None:
        bed_Gy, dose_Gy, T_eff_h, T_rep_h = _bed_Gy(dose_Gy, T_eff_h, T_rep_h, alpha_beta_Gy), None, None, None
    if bed_Gy is None or alpha_beta_Gy is None or not (dose_Gy is None and T_eff_h is None and T_rep_h is None):
        raise InputError(
            "arguments that are neither a BED with its α/β nor a dose with T_eff_h, T_rep_h and α/β",
            where="eqd2_Gy",
            remedy="call eqd2_Gy(bed_Gy=…, alpha_beta_Gy=…) or eqd2_Gy(dose_Gy, T_eff_h, T_rep_h, alpha_beta_Gy)",
        )
    return plain(np.asarray(at_least_zero(bed_Gy, "bed_Gy") / (1.0 + 2.0 / over_zero(alpha_beta_Gy, "alpha_beta_Gy"))))


_bed_Gy = bed_Gy  # the function, where an argument has its name
