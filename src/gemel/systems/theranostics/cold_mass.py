"""Cold ligand beside the activity: receptors fill, and each organ holds less of a becquerel, in its own measure."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from gemel.core.errors import RangeError
from gemel.systems.theranostics import pbpk
from gemel.systems.theranostics.isotopes import isotope
from gemel.systems.theranostics.network import ORGANS
from gemel.systems.theranostics.pbpk_parameters import Values, default_parameters, labelled

LIGAND_nmol = tuple(float(x) for x in np.geomspace(1.0, 2000.0, 13))
HOT_OF_LIGAND = 0.1
"""Hot and cold bind alike, so that residence follows their sum; a tenth is hot in the table."""
PARTS: Mapping[str, tuple[str, ...]] = {**{organ: (organ,) for organ in ORGANS}, "tumour": ("tumor1", "tumor2", "tumor_rest")}


@dataclass(frozen=True)
class Displacement:
    """Residence time (h) of each organ against the ligand of one cycle, hot and cold together (nmol).

    `hot_nmol_MBq` is the ligand that carries a megabecquerel, `usual_nmol_MBq` all that usually comes with it.
    """

    ligand_nmol: tuple[float, ...]
    residence_h: Mapping[str, tuple[float, ...]]
    hot_nmol_MBq: float
    usual_nmol_MBq: float


def displacement(label: str, params: Values | None = None) -> Displacement:
    """Of a nuclide and one person in the PSMA model: of these parameters (one person's, as fitted), or of the published ones.

    Fele-Paranj et al. 2024, EJNMMI Radiopharm Chem 9:6, doi 10.1186/s41181-023-00236-w. Raises as `pbpk.tiac_h`.
    """
    ligand = np.array(LIGAND_nmol)
    numbers = labelled(default_parameters() if params is None else params, label)
    found = pbpk.tiac_h(numbers, HOT_OF_LIGAND * ligand, (1 - HOT_OF_LIGAND) * ligand, every_min=0)
    sums = {organ: np.sum(np.stack([np.asarray(found[part]) for part in parts]), axis=0) for organ, parts in PARTS.items()}
    residence_h = {organ: tuple(float(x) for x in values) for organ, values in sums.items()}
    return Displacement(LIGAND_nmol, residence_h, 1 / float(pbpk.MBq_per_nmol(numbers)), isotope(label).ligand_nmol_MBq)


def ligand_nmol(table: Displacement, activity_MBq: float, cold_nmol: float) -> float:
    """All ligand of a cycle: what carries the activity and the cold beside it; the usual amount for `cold_nmol` below 0."""
    return activity_MBq * (table.usual_nmol_MBq if cold_nmol < 0 else table.hot_nmol_MBq) + max(cold_nmol, 0.0)


def uptake_ratio(table: Displacement, organ: str, ligand_nmol: float, *, usual_nmol: float) -> float:
    """Uptake of a becquerel with so much ligand over that with the usual amount, straight in ln ligand between the table's amounts.

    Below the table receptors are empty, and uptake is that of its first amount. Raises RangeError for amounts above it, or not above 0.
    """
    most = table.ligand_nmol[-1]
    for nmol in (ligand_nmol, usual_nmol):
        if not 0 < nmol <= most:
            raise RangeError(f"{nmol:g} nmol of ligand", where="cold ligand", remedy=f"hot and cold together: above 0, up to {most:g} nmol")
    given, usual = np.interp(np.log([ligand_nmol, usual_nmol]), np.log(table.ligand_nmol), table.residence_h[organ])
    return float(given / usual)
