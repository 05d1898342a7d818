"""Where the uncertainty of an organ's dose comes from: first-order variances of what is multiplied."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gemel.core.activity import ActivityImage
from gemel.core.page import Table
from gemel.devices.nuclear.regions import Blur, Region, measure
from gemel.engines.dose.kernel import sphere_S
from gemel.systems.theranostics.case import Case, DENSITY_g_mL
from gemel.systems.theranostics.names import organ_of
from gemel.systems.theranostics.report_course import Believed, Cycle, cycle_doses

KERNEL_REL = 0.05 / math.sqrt(3)
"""Of S for a sphere: half width 5 %, the agreement with published values, taken as rectangular (JCGM 100:2008, 4.3.7)."""
STEP = 0.02


@dataclass(frozen=True)
class Budget:
    """Relative standard deviations of one organ's dose by cause, and that of the whole by the twin's draws."""

    organ: str
    causes: dict[str, float]
    twin_rel: float

    @property
    def total_rel(self) -> float:
        """Root of the sum of squares: causes are independent."""
        return math.sqrt(sum(rel**2 for rel in self.causes.values()))

    @property
    def shares(self) -> dict[str, float]:
        """Part of the variance that each cause has; they add up to one."""
        return {name: rel**2 / self.total_rel**2 for name, rel in self.causes.items()}


def budget(seen: Believed, cycle: Cycle, organ: str) -> Budget:
    """D = Ã·S(m), Ã the activity seen over calibration: u²(ln D) = u²(fit) + u²(calibration) + u²(recovery) + (∂lnD/∂ln v)²u²(v) + u²(S).

    The contour's volume v moves activity and mass together: ∂lnD/∂ln v = ∂lnA/∂ln v + ∂lnS/∂ln m. Gear et al. 2018, Eur J Nucl Med Mol
    Imaging 45:2456. `fit` and `calibration` are of the belief; the contours' errors are those of an outline on an image of this sharpness.
    """
    doses = cycle_doses(seen)[cycle.number - 1][1][organ]
    factor = seen.params.get(f"{organ}_S_ratio_1", np.ones(len(doses)))
    calibration = seen.params["calibration_ratio_1"]
    recovery, volume = _contours(seen.told.case, regions_of(seen.told.case, cycle), organ)
    causes = {
        "fit and noise": float(np.std(np.log(doses / factor * calibration))),
        "calibration": float(np.std(np.log(calibration))),
        "recovery": recovery,
        "VOI volume": volume,
        "S value": KERNEL_REL,
    }
    return Budget(organ, causes, float(np.std(np.log(doses))))


def budget_table(seen: Believed, cycle: Cycle, organs: Sequence[str]) -> Table:
    """Budgets side by side: standard deviation of the dose by each cause, and its share of the variance."""
    found = [budget(seen, cycle, organ) for organ in organs]
    rows = [(cause, *(f"{100 * b.causes[cause]:.1f} % ({100 * b.shares[cause]:.0f} %)" for b in found)) for cause in found[0].causes]
    rows += [("all, first order", *(f"{100 * b.total_rel:.1f} %" for b in found))]
    rows += [("the twin's draws", *(f"{100 * b.twin_rel:.1f} %" for b in found))]
    note = (
        "Relative standard deviation of the dose (share of the variance). Where the first order exceeds the twin's draws, the contours of "
        "this patient are less sure than the error of S that the population gives to everybody."
    )
    return Table(f"Uncertainty budget, cycle {cycle.number}", ("cause", *organs), tuple(rows), note)


def regions_of(case: Case, cycle: Cycle) -> tuple[Region, ...]:
    """The regions of the cycle's first scan with the errors of their contours."""
    at_s, day = cycle.days[0]
    scan = ActivityImage(day.image, "Bq/mL", case.nuclide, at_s, 1.0, cycle.given_s, cycle.MBq, "start", "first scan")
    return measure(scan, day.structures, Blur(case.fwhm_mm))


def _contours(case: Case, regions: Sequence[Region], organ: str) -> tuple[float, float]:
    """Error of an organ's dose by recovery and by volume: its regions are outlined one by one, and count by their activity."""
    own = [region for region in regions if organ_of(region.name) == organ and region.activity_Bq > 0]
    total = sum(region.activity_Bq for region in own)
    if not own:
        return 0.0, 0.0
    part = [region.activity_Bq / total for region in own]
    slope = [region.activity_by_volume + mass_slope(case.nuclide, region.volume_mL * DENSITY_g_mL[organ]) for region in own]
    recovery = math.sqrt(sum((p * region.recovery_rel) ** 2 for p, region in zip(part, own)))
    return recovery, math.sqrt(sum((p * s * region.volume_rel) ** 2 for p, s, region in zip(part, slope, own)))


def mass_slope(nuclide: str, mass_g: float) -> float:
    """∂lnS/∂ln m of a sphere: near -1, less where radiation leaves it."""
    high, low = (sphere_S(nuclide, mass_g * factor) for factor in (1 + STEP, 1 - STEP))
    return float(math.log(high / low) / math.log((1 + STEP) / (1 - STEP)))
