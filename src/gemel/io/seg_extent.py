"""How far the images reach that a Segmentation was drawn on: frames without a region may be left out of it (PS3.3 C.8.20.2)."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float
from pydicom.dataset import Dataset

from gemel.core.image import Array

NEAR = 0.05
"""Of a slice: how far a frame may lie from where its slice is."""


def slices_left_out(dataset: Dataset, affine_mm: Float[Array, "4 4"], n: int) -> tuple[int, int]:
    """Slices of the source series before the first and behind the last of `n` slices, which `affine_mm` places (slice, row, column).

    Each frame names the image that it derives from, and the object lists the images of the series in their order (PS3.3 C.7.6.16.2.6,
    C.12.2.1): where a step of one slice is a step of one in that list throughout, the rest of it lies outside. (0, 0) where it does not
    say so: nothing is guessed.
    """
    listed = _listed(dataset)
    pairs = [(_slice(frame, affine_mm), listed.get(_source(frame), -1)) for frame in dataset.get("PerFrameFunctionalGroupsSequence") or []]
    if not pairs or any(j < 0 or not np.isfinite(i) or abs(i - round(i)) > NEAR for i, j in pairs):
        return 0, 0
    ends = [_ends({j - sign * round(i) for i, j in pairs}, sign, n, len(listed)) for sign in (1, -1)]
    found = [end for end in ends if end is not None and min(end) >= 0]
    return found[0] if len(found) == 1 else (0, 0)


def _ends(offsets: set[int], sign: int, n: int, count: int) -> tuple[int, int] | None:
    """Slices before and behind where position in the list is sign·slice + offset throughout."""
    if len(offsets) != 1:
        return None
    (offset,) = offsets
    return (offset, count - n - offset) if sign > 0 else (count - 1 - offset, offset - n + 1)


def _listed(dataset: Dataset) -> Mapping[str, int]:
    """Place of each image in the list of the one series that it was drawn on."""
    series = dataset.get("ReferencedSeriesSequence") or []
    items = series[0].get("ReferencedInstanceSequence") or [] if len(series) == 1 else []
    return {str(item.get("ReferencedSOPInstanceUID", "")): place for place, item in enumerate(items)}


def _source(frame: Dataset) -> str:
    """The image that a frame derives from; empty where it names none or several."""
    images = [image for item in frame.get("DerivationImageSequence") or [] for image in item.get("SourceImageSequence") or []]
    return str(images[0].get("ReferencedSOPInstanceUID", "")) if len(images) == 1 else ""


def _slice(frame: Dataset, affine_mm: Float[Array, "4 4"]) -> float:
    """Index of the slice that a frame lies on; not a number where its place is not stated for it alone."""
    held = frame.get("PlanePositionSequence") or [Dataset()]
    at_mm = np.asarray(held[0].get("ImagePositionPatient") or [np.nan] * 3, dtype=np.float64)
    return float((np.linalg.inv(affine_mm) @ [*at_mm, 1.0])[0]) if at_mm.shape == (3,) else float("nan")
