"""CT numbers of a cone-beam scan made right with an earlier CT: scatter from projections, then only what changed is reconstructed."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from gemel.core.errors import RangeError
from gemel.core.image import Array, Image, with_array
from gemel.devices.cbct.acquire import Scan, open_signal, primary_of, water_of
from gemel.devices.cbct.machine import cone_of, seen
from gemel.devices.cbct.reconstruct import HU_LIMITS, KERNEL, reconstruct
from gemel.devices.cbct.scatter import ratio
from gemel.devices.cbct.scatter_fit import fitted
from gemel.devices.cbct.shading import unshaded
from gemel.engines.project import Ramp, fdk, grid_of
from gemel.engines.registration import pull, rigid, to_moving, zero_field

MOST_APART = 0.25
"""Mean difference of line integrals over their mean: days of one body differ by a few per cent, bodies by more than this."""


@dataclass(frozen=True)
class Corrected:
    """The image in the earlier CT's HU, and the median ratio of scatter to primary that was taken out behind 20 cm of water and more."""

    image: Image
    scatter_to_primary: float


def corrected(scan: Scan, prior: Image, *, ramp: Ramp = KERNEL) -> Corrected:
    """prior + 1000·FDK(water(signal − scatter) − water(prior)) on the prior's grid; beyond the field the prior itself.

    Scatter and drift of the beam: `fitted`, against the prior's projections, Niu et al. 2010, Med Phys 37:5395. Beam hardening, the HU
    scale of the earlier scanner and the cone's artefacts are alike in both line integrals and cancel in their difference; what is left and
    smooth is taken out in the image (`unshaded`). The prior must lie where the scan saw the bones (`aligned`). Raises RangeError when the
    two are not two days of one body.
    """
    expected, prior_cm = primary_of(prior, scan.isocentre_mm, scan.machine)
    found = fitted(scan.signal, expected.mean / open_signal(scan.machine), prior_cm, scan.machine)
    expected_cm = water_of(found.primary, scan.machine)
    changed_cm = water_of(scan.signal - found.scatter, scan.machine) - expected_cm
    _require_kin(changed_cm, expected_cm)
    grid = grid_of(prior, scan.isocentre_mm)
    inside = seen(grid, scan.machine)
    change = 1000 * fdk(np.float32(10) * changed_cm, cone_of(scan.machine), grid=grid, ramp=ramp)
    hu = np.where(inside, np.clip(prior.array + change, *HU_LIMITS), prior.array)
    taken = ratio(found.scatter, scan.signal - found.scatter, expected_cm)
    return Corrected(unshaded(with_array(prior, hu.astype(np.float32)), prior, inside), taken)


def aligned(scan: Scan, prior: Image) -> Image:
    """The earlier CT turned and shifted, on its own grid, onto the bones of the uncorrected image. Raises GeometryError without overlap."""
    found = rigid(reconstruct(scan, prior), prior)
    return pull(prior, to_moving(found, zero_field(prior, max(prior.shape))))


def _require_kin(changed_cm: Float32[Array, "views v u"], expected_cm: Float32[Array, "views v u"]) -> None:
    apart, through = float(np.abs(changed_cm).mean()), float(np.abs(expected_cm).mean())
    if not apart <= MOST_APART * through:
        found = f"line integrals that differ by {apart:.1f} cm of water of {through:.1f} cm"
        raise RangeError(found, where="cbct.corrected", remedy="align the CT to the scan first; is it of the same person?")
