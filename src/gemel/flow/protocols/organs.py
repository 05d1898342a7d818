"""Doses to outlined organs at the recommended setting, by Monte Carlo in the earlier CT."""

import numpy as np
from jaxtyping import Bool, Float

from gemel.core.errors import InputError
from gemel.core.image import Array, Image
from gemel.core.structures import Structures
from gemel.devices.ct.basis import basis_shares
from gemel.devices.ct.organs import OrganDose, Shots, computed_ctdivol_mGy, dose_map, organ_doses
from gemel.engines.project import grid_of
from gemel.flow.protocols.recommend import EARLIER_CT, Recommended

VOXEL_MM = 6.0
HISTORIES, INDEX_HISTORIES = 40_000, 40_000
"""Of a batch; eight batches. Organs of 10 mL then have a statistical error of some per cent, which is told with the dose."""


def organs_of(found: Recommended, outlined: Structures, *, histories: int = HISTORIES) -> tuple[OrganDose, ...]:
    """Mean dose of each structure, as far as it lies in the CT, at the first setting; the largest first.

    The scan reaches over the CT, or as far as was asked about the task's slice; the middle of the image is the isocentre. Constant current,
    water and bone alone. Raises InputError where the slice stands for a patient who was not seen in section, or nothing is outlined.
    """
    if found.source != EARLIER_CT or not outlined.masks:
        raise InputError("no organs in section", where="organ doses", remedy="hand over an earlier CT with its RTSTRUCT")
    blocks = tuple(max(1, int(VOXEL_MM // s)) for s in found.image.spacing_mm)
    coarse = _coarse(found.image, blocks)
    middle = coarse.affine_mm[:3, :3] @ ((np.array(coarse.shape) - 1) / 2) + coarse.affine_mm[:3, 3]
    grid, setting, scanner = grid_of(coarse, middle), found.choice.judged[0].forecast, found.scanner
    shares = basis_shares(np.clip(coarse.array.astype(np.float64), -1000.0, 3071.0))
    kVp, reach = setting.protocol.kVp, Shots(_source_mm(found), histories)
    doses = dose_map(shares, grid, scanner=scanner, kVp=kVp, shots=reach)
    masks = {name: _inside(mask, blocks) for name, mask in outlined.masks.items() if mask.any()}
    index = computed_ctdivol_mGy(scanner, kVp, phantom_cm=scanner.output.phantom_cm, histories=INDEX_HISTORIES)
    told = organ_doses(doses, masks, ctdivol_mGy=setting.ctdivol_mGy, computed_mGy=index)
    return tuple(sorted(told, key=lambda one: -one.mGy))


def _source_mm(found: Recommended) -> tuple[float, float]:
    """First and last z of the source from the CT's middle."""
    n, step_mm = found.image.shape[2], float(found.image.spacing_mm[2])
    if not found.asked.length_mm:
        return -0.5 * n * step_mm, 0.5 * n * step_mm
    at_mm = (found.slice_index - (n - 1) / 2) * step_mm
    return at_mm - found.asked.length_mm / 2, at_mm + found.asked.length_mm / 2


def _coarse(image: Image, blocks: tuple[int, ...]) -> Image:
    """Means over blocks of voxels; what is left over at the far sides is dropped."""
    values = _means(image.array, blocks)
    first = (np.array(blocks) - 1) / 2
    affine = image.affine_mm.copy()
    affine[:3, 3] += image.affine_mm[:3, :3] @ first
    affine[:3, :3] = image.affine_mm[:3, :3] * np.array(blocks)
    return Image(values.astype(np.float32), affine, image.frame)


def _inside(mask: Bool[Array, "x y z"], blocks: tuple[int, ...]) -> Bool[Array, "i j k"]:
    """Blocks of which at least half lies inside, or those with the most where no block does."""
    share = _means(mask, blocks)
    return np.asarray(share >= min(0.5, float(share.max()) or 1.0))


def _means(values: Array, blocks: tuple[int, ...]) -> Float[Array, "i j k"]:
    a, b, c = blocks
    i, j, k = (n // size for n, size in zip(values.shape, blocks))
    kept = np.asarray(values[: i * a, : j * b, : k * c], dtype=np.float64)
    return np.asarray(kept.reshape(i, a, j, b, k, c).mean(axis=(1, 3, 5)))
