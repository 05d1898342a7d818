"""A field of cells from two outlines: the capacity's 80 % at the edge of what enhances, 16 % at that of T2/FLAIR.

A wave's profile is near a logistic function: the logit falls in proportion to distance, between the edges from one to the other, within
and beyond them over the typical distance of the edges. Kolmogorov et al. 1937, Moscow Univ Bull Math 1:1; Konukoglu et al. 2010, IEEE
Trans Med Imaging 29:77 (fields from outlines).
"""

import numpy as np
from jaxtyping import Bool, Float
from scipy.ndimage import distance_transform_edt

from gemel.core.errors import StructureError
from gemel.core.image import Array
from gemel.systems.glioma.field import FLAIR, T1GD
from gemel.systems.glioma.tissue import Tissue


def field_from(of: Tissue, enhancing: Bool[Array, "x y z"], flair: Bool[Array, "x y z"]) -> Float[Array, "x y z"]:
    """Cells in the brain whose edges are the outlines. Raises StructureError for empty or crossing outlines, or ones outside the brain."""
    for name, mask in (("enhancing", enhancing), ("flair", flair)):
        if not (mask & of.mask).any():
            raise StructureError("an outline that is empty in the brain", where=name, remedy="segment the visit again, or check the frame")
    if (enhancing & ~flair).any():
        raise StructureError("enhancing tumour outside T2/FLAIR", where="flair", remedy="outline everything abnormal as flair")
    inner, outer = _depth_mm(of, enhancing), _depth_mm(of, flair)
    apart = np.maximum(outer - inner, 1e-6)  # from edge to edge, through each voxel
    edge = flair & ~enhancing
    width_mm = float(np.median(apart[edge])) if edge.any() else float(max(of.grid.spacing_mm))
    along = np.clip(-inner / apart, 0.0, 1.0) - np.maximum(inner, 0.0) / width_mm + np.maximum(-outer, 0.0) / width_mm
    found = 1.0 / (1.0 + np.exp(np.clip((_logit(T1GD) - _logit(FLAIR)) * along - _logit(T1GD), -50.0, 50.0)))
    return np.where(of.mask, found, 0.0).astype(np.float32)


def _logit(share: float) -> float:
    return float(np.log(share / (1.0 - share)))


def _depth_mm(of: Tissue, mask: Bool[Array, "x y z"]) -> Float[Array, "x y z"]:
    """Distance to the edge, over zero inside; edges run between voxels."""
    half = float(of.grid.spacing_mm.mean()) / 2
    spacing = tuple(of.grid.spacing_mm)
    return np.asarray(np.where(mask, distance_transform_edt(mask, spacing) - half, half - distance_transform_edt(~mask, spacing)))
