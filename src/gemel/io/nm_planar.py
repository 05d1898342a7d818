"""Anterior and posterior planar views in: a DICOM NM object of type WHOLE BODY or STATIC → PlanarPair. PS3.3 A.5, C.8.4.9, C.8.4.11."""

import math
from pathlib import Path

import numpy as np
from jaxtyping import Float
from pydicom.dataset import Dataset
from pydicom.uid import NuclearMedicineImageStorage

from gemel.core.errors import InputError
from gemel.core.image import Array
from gemel.core.planar import PlanarPair
from gemel.io.dicom_file import items, numbers, parse, require_class, text, uid
from gemel.io.dicom_folder import only_file
from gemel.io.dicom_pixels import stored_values
from gemel.io.files import read_bytes
from gemel.io.nm import acquired_time_s
from gemel.io.nuclear_header import NOTHING_STATED, Stated, injected_at_s, injected_MBq, nuclide_of

KINDS = ("WHOLE BODY", "STATIC")
SIDES = ("anterior", "posterior")


def read_planar(path: str | Path, stated: Stated = NOTHING_STATED, *, views: tuple[str, ...] = (), window: int = 1) -> PlanarPair:
    """The two views of one energy window (counted from 1), turned so that a pixel of both is one line through the patient.

    Which frame is which side is told by ViewCodeSequence, or by `views` in the order of the detectors. Frames show the patient upright: the
    right side on the left of the anterior view and on the right of the posterior one. `stated` goes before the header. Raises
    InputError for an object of another type, a side that is missing or twice, and missing times.
    """
    file = only_file(path, "NM")
    where = str(file)
    dataset = parse(read_bytes(file), where)
    require_class(dataset, NuclearMedicineImageStorage, where)
    kind = text(dataset, "ImageType", where)
    if not any(word in kind for word in KINDS):
        raise InputError(f"an NM object of ImageType {kind or 'none'}", where=where, remedy=f"name a planar image ({' or '.join(KINDS)})")
    chosen = _frames(dataset, views, window, where)
    values = stored_values(dataset, where).astype(np.float64)
    spacing = numbers(dataset, "PixelSpacing", 2, where)
    acquired_s = acquired_time_s(dataset, stated, where)
    return PlanarPair(
        anterior=_upright(values[chosen["anterior"]], mirrored=False),
        posterior=_upright(values[chosen["posterior"]], mirrored=True),
        spacing_mm=(float(spacing[1]), float(spacing[0])),
        nuclide=nuclide_of(dataset, stated, where),
        acquired_s=acquired_s,
        duration_s=stated.duration_s if math.isfinite(stated.duration_s) else _duration_s(dataset, where),
        injected_s=injected_at_s(dataset, acquired_s, stated, where),
        injected_MBq=injected_MBq(dataset, stated, where, per_MBq=1.0),
        source=uid(dataset, "SOPInstanceUID", where),
    )


def _frames(dataset: Dataset, views: tuple[str, ...], window: int, where: str) -> dict[str, int]:
    """Frame (from 0) of each side in the window."""
    count = int(numbers(dataset, "NumberOfFrames", 1, where)[0])
    windows, detectors = (
        numbers(dataset, keyword, count, where).astype(int) if keyword in dataset else np.arange(1, count + 1) * 0 + 1
        for keyword in ("EnergyWindowVector", "DetectorVector")
    )
    sides = _sides(dataset, views, where)
    kept = [(sides.get(int(detectors[i]), ""), i) for i in range(count) if windows[i] == window]
    found = {side: i for side, i in kept if side}
    if sorted(side for side, _ in kept) != list(SIDES):
        told = ", ".join(side or "an unnamed view" for side, _ in kept) or "none"
        remedy = "give one object with both views, or say which detector is which: views=('anterior', 'posterior')"
        raise InputError(f"views of window {window}: {told}", where=where, remedy=remedy)
    return found


def _sides(dataset: Dataset, views: tuple[str, ...], where: str) -> dict[int, str]:
    """Side of each detector, counted from 1."""
    if views:
        if sorted(views) != list(SIDES):
            raise InputError(f"views {views}", where=where, remedy=f"name {SIDES[0]} and {SIDES[1]} once, in the order of the detectors")
        return dict(enumerate(views, start=1))
    named = {}
    for number, item in enumerate(items(dataset, "DetectorInformationSequence", where), start=1):
        codes = items(item, "ViewCodeSequence", where)
        meaning = text(codes[0], "CodeMeaning", where).lower() if codes else ""
        named[number] = next((side for side in SIDES if meaning.startswith(side)), "")
    return named


def _duration_s(dataset: Dataset, where: str) -> float:
    if "ActualFrameDuration" not in dataset:
        remedy = "state it: --duration-s 1200; of a moving bed, the time that it takes to pass the field of view"
        raise InputError("no duration of the scan (ActualFrameDuration)", where=where, remedy=remedy)
    return float(numbers(dataset, "ActualFrameDuration", 1, where)[0]) / 1000.0


def _upright(frame: Float[Array, "rows columns"], *, mirrored: bool) -> Float[Array, "x z"]:
    """Rows run from head to foot; columns towards the patient's left in front, and towards the right from behind."""
    turned = frame[::-1].T
    return np.ascontiguousarray(turned[::-1] if mirrored else turned)
