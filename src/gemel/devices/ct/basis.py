"""What a CT number holds of each basis material: water, cortical bone, iodine."""

import numpy as np
from jaxtyping import Float

from gemel.core.errors import UnitError
from gemel.core.image import Array

BASIS = ("water", "cortical bone", "iodine")
"""Order of the materials; in shares of volume, iodine in mg/mL."""
SOFT_HU = 100.0
"""Above, bone is mixed in: the densest soft tissues without contrast reach 80 HU."""
BONE_HU = 1760.0
"""Cortical bone (1.92 g/cm³) behind 20 cm of water at 120 kVp is 1660 HU, thin 2290: shares change little with the choice."""
LOWEST_HU = -1100.0


def basis_shares(hu: Float[Array, "*grid"], *, iodine_mg_mL: Float[Array, "*grid"] | None = None) -> Float[Array, "3 *grid"]:
    """Water and cortical bone by volume, iodine in mg/mL. Below 100 HU water of density 1 + HU/1000, above a mixture with bone.

    Raises UnitError for values below −1100 (raw pixels, or padding that was not set to air) and values that are not finite.
    """
    if not np.isfinite(hu).all() or (hu.size and hu.min() < LOWEST_HU):
        found = f"values down to {hu.min():g}" if np.isfinite(hu).all() else "values that are not finite"
        raise UnitError(found, where="basis_shares", remedy="rescale to HU (air is -1000) and set padding to air")
    bone = np.clip((hu - SOFT_HU) / (BONE_HU - SOFT_HU), 0.0, None)
    water = np.where(hu <= SOFT_HU, np.maximum(1 + hu / 1000.0, 0.0), np.maximum((1 + SOFT_HU / 1000) * (1 - bone), 0.0))
    iodine = np.zeros_like(hu) if iodine_mg_mL is None else iodine_mg_mL
    return np.stack([water, bone, iodine]).astype(np.float32)
