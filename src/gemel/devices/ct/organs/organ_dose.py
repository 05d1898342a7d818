"""Dose to organs, tied to the CTDIvol that the scanner tells."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from gemel.core.errors import RangeError, StructureError
from gemel.core.image import Array
from gemel.devices.ct.organs.dose_map import DoseMap


@dataclass(frozen=True)
class OrganDose:
    """Mean dose and its statistical standard deviation (mGy). Systematic: about 10 % (two materials, no overrange, even current)."""

    name: str
    mGy: float
    sd_mGy: float


def organ_doses(
    found: DoseMap, organs: Mapping[str, Bool[Array, "x y z"]], *, ctdivol_mGy: float, computed_mGy: float
) -> tuple[OrganDose, ...]:
    """D_organ = CTDIvol · (D_organ/CTDIvol) by Monte Carlo: the tube's output cancels. Turner et al. 2010, Med Phys 37:1816.

    `computed_mGy`: `computed_ctdivol_mGy` of the same scanner and voltage. Raises RangeError for doses that are not above zero,
    StructureError for an organ that is empty or on another grid.
    """
    if not (ctdivol_mGy > 0 and computed_mGy > 0):
        raise RangeError(f"CTDIvol of {ctdivol_mGy:g} and {computed_mGy:g} mGy", where="organ_doses", remedy="give both above 0, in mGy")
    scale = ctdivol_mGy / computed_mGy
    return tuple(_one(name, inside, found, scale) for name, inside in organs.items())


def _one(name: str, inside: Bool[Array, "x y z"], found: DoseMap, scale: float) -> OrganDose:
    if inside.shape != found.batches_mGy.shape[1:] or not inside.any():
        raise StructureError(f"{name}: no voxels, or another grid", where="organ_doses", remedy="resample the outline onto the dose's grid")
    by_batch = scale * found.batches_mGy[:, inside].mean(axis=1)
    return OrganDose(name, float(by_batch.mean()), float(by_batch.std(ddof=1) / np.sqrt(len(by_batch))))
