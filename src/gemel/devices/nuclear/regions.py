"""Activity of regions of one image: sums inside masks, with the covariance of activity and volume."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Integer

from gemel.core.activity import ActivityImage
from gemel.core.errors import InputError, StructureError
from gemel.core.image import Array
from gemel.core.structures import Structures
from gemel.devices.nuclear.recovery import NO_LOSS, Recovery, edge_slope


@dataclass(frozen=True)
class Region:
    """One region in one image: recovered activity, its volume, and relative uncertainties and their causes.

    noise_rel: of this scan alone. recovery_rel, volume_rel: the same in every scan that uses the contour. `activity_by_volume` is
    d ln A/d ln v, so that cov(A, v)/(A·v) = activity_by_volume·volume_rel²: dose per activity falls with v, and the two go together.
    """

    name: str
    activity_Bq: float
    volume_mL: float
    noise_rel: float
    recovery_rel: float
    volume_rel: float
    activity_by_volume: float

    @property
    def own_rel(self) -> float:
        """What all scans of this region share, calibration apart: recovery and volume together."""
        return math.hypot(self.recovery_rel, self.activity_by_volume * self.volume_rel)

    @property
    def relative_covariance(self) -> Float[Array, "2 2"]:
        """Of (A, v), without the noise of the scan and without calibration."""
        shared = self.activity_by_volume * self.volume_rel**2
        return np.array([[self.own_rel**2, shared], [shared, self.volume_rel**2]])


@dataclass(frozen=True)
class Blur:
    """What is known of the image's sharpness: its FWHM, the recovery curve, and the sd of one voxel's value over its mean."""

    fwhm_mm: float
    recovery: Recovery = NO_LOSS
    voxel_rel: float = 0.1


def volume_relative_sd(volume_mL: float, voxel_mm: float, fwhm_mm: float) -> float:
    """u(v)/v = 3·u(d)/d of a sphere's diameter d, u(d)² = voxel²/6 + FWHM²/(4 ln 2).

    Gear 2018, Eur J Nucl Med Mol Imaging 45:2456: two edges, each with the variance of a voxel and of the blur.
    """
    diameter_mm = (6000.0 * volume_mL / math.pi) ** (1 / 3)
    return 3.0 * math.sqrt(voxel_mm**2 / 6 + fwhm_mm**2 / (4 * math.log(2))) / diameter_mm


def measure(scan: ActivityImage, structures: Structures, blur: Blur) -> tuple[Region, ...]:
    """Regions of one image in Bq/mL; masks on the image's grid, A = Σ C·ΔV/R(v).

    The contour's uncertainty is that of an outline drawn on an image of this sharpness (`volume_relative_sd`, at most 1).
    Raises InputError for an uncalibrated image; StructureError for masks that are empty or reach outside the field of view.
    """
    if scan.unit != "Bq/mL":
        raise InputError(f"an image in {scan.unit}", where=scan.source or "measure", remedy="calibrate it: --calibration-cps-MBq")
    if structures.grid.shape != scan.image.shape or not np.allclose(structures.grid.affine_mm, scan.image.affine_mm, atol=1e-3):
        raise StructureError(
            f"masks on a grid of {structures.grid.shape} for an image of {scan.image.shape}: a VOI outside the field of view",
            where=scan.source or "measure",
            remedy="bring the masks onto the image with onto_scan, which finds the parts that lie outside",
        )
    return tuple(_region(scan, name, np.asarray(mask), blur) for name, mask in structures.masks.items())


def by_label(labels: Integer[Array, "x y z"], names: Mapping[int, str]) -> dict[str, Bool[Array, "x y z"]]:
    """Masks of a label map; 0 is background. Raises StructureError for a label without a name, a name without a voxel, a name twice."""
    if len(set(names.values())) < len(names):
        raise StructureError(f"labels of the same name in {sorted(names.values())}", where="label map", remedy="name each label its own")
    present = {int(v) for v in np.unique(labels)} - {0}
    if present != set(names):
        odd = sorted(present ^ set(names))
        raise StructureError(f"labels {odd} that are in the map or in the names alone", where="label map", remedy="name every label once")
    return {name: labels == value for value, name in names.items()}


def _region(scan: ActivityImage, name: str, mask: Bool[Array, "x y z"], blur: Blur) -> Region:
    count = int(np.count_nonzero(mask))
    if count == 0:
        raise StructureError("an empty VOI", where=name, remedy="contour it again, or leave it out of this scan")
    image = scan.image
    volume_mL = count * image.voxel_mL
    activity_Bq = float(image.array[mask].sum(dtype=np.float64)) * image.voxel_mL / float(blur.recovery.at(np.array(volume_mL)))
    radius_mm = (3000.0 * volume_mL / (4 * math.pi)) ** (1 / 3)
    growth = 1.0 if blur.fwhm_mm == 0 else float(edge_slope(radius_mm, blur.fwhm_mm))
    independent = max(count / max(_voxels_of_a_spot(blur.fwhm_mm, image.voxel_mL), 1.0), 1.0)
    return Region(
        name=name,
        activity_Bq=activity_Bq,
        volume_mL=volume_mL,
        noise_rel=blur.voxel_rel / math.sqrt(independent),
        recovery_rel=float(blur.recovery.relative_sd(np.array(volume_mL))),
        volume_rel=min(volume_relative_sd(volume_mL, float(image.spacing_mm.max()), blur.fwhm_mm), 1.0),
        activity_by_volume=growth - float(blur.recovery.slope(np.array(volume_mL))),
    )


def _voxels_of_a_spot(fwhm_mm: float, voxel_mL: float) -> float:
    """Voxels that share their noise: (4π σ²)^(3/2) over the voxel's volume, the correlation volume of Gaussian blur."""
    sigma_mm = fwhm_mm / math.sqrt(8 * math.log(2))
    return (4 * math.pi * sigma_mm**2) ** 1.5 / 1000 / voxel_mL
