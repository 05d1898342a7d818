"""A CT localiser (scout, topogram) in: one projection along the patient. DICOM PS3.3 C.8.2.1.1.1, ImageType LOCALIZER."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage

from gemel.core.errors import GeometryError, InputError
from gemel.core.image import Array
from gemel.core.radiograph import Radiograph
from gemel.io.dicom_file import numbers, parse, require_class, text, uid
from gemel.io.dicom_geometry import Plane, plane
from gemel.io.dicom_header import acquired_at, identity_of, scanner_of
from gemel.io.dicom_pixels import stored_values
from gemel.io.files import read_bytes
from gemel.io.identity import Identity

UPRIGHT = 0.999
"""Least cosine between an axis of the image and one of the patient."""


@dataclass(frozen=True)
class LocalizerRead:
    """The projection, whose it is, its SOP Instance UID, when (ISO 8601 or empty) and on which machine it was made."""

    radiograph: Radiograph
    identity: Identity
    sop_uid: str
    acquired: str
    scanner: str


def read_localizer(path: str | Path) -> LocalizerRead:
    """One file. Values are rescaled where the file says how: what they mean differs between makers, see `devices.ct.localised`.

    Raises InputError for what is no CT localiser, GeometryError for one that is neither frontal nor lateral.
    """
    where = str(path)
    dataset = parse(read_bytes(Path(path)), where)
    require_class(dataset, CTImageStorage, where)
    if "LOCALIZER" not in text(dataset, "ImageType", where):
        found = f"a CT image of type {text(dataset, 'ImageType', where) or 'none'}, no localiser"
        raise InputError(found, where=where, remedy="name the scout or topogram (ImageType LOCALIZER), or hand a CT over with --ct")
    return LocalizerRead(
        _radiograph(plane(dataset, where), _values(dataset, where)),
        identity_of(dataset, where),
        uid(dataset, "SOPInstanceUID", where),
        acquired_at(dataset, where),
        scanner_of(dataset, where),
    )


def _values(dataset: Dataset, where: str) -> Float[Array, "columns rows"]:
    stored = stored_values(dataset, where)[0].T.astype(np.float64)
    if not text(dataset, "RescaleSlope", where):
        return stored
    slope, intercept = (float(numbers(dataset, name, 1, where)[0]) for name in ("RescaleSlope", "RescaleIntercept"))
    if slope == 0:
        raise InputError("RescaleSlope = 0", where=where, remedy="export the localiser again")
    return np.asarray(stored * slope + intercept)


def _radiograph(of: Plane, values: Float[Array, "columns rows"]) -> Radiograph:
    """Turned so that columns run along x or y and rows along z."""
    along = [int(np.argmax(np.abs(axis))) for axis in (of.row, of.column)]
    if min(np.abs(of.row).max(), np.abs(of.column).max()) < UPRIGHT or along.count(2) != 1:
        found = f"a localiser along {of.row.round(3).tolist()} and {of.column.round(3).tolist()}"
        raise GeometryError(found, where=of.where, remedy="use a frontal and a lateral one")
    places = [
        of.origin_mm[axis] + direction[axis] * step * np.arange(n)
        for axis, direction, step, n in zip(along, (of.row, of.column), of.spacing_mm, of.shape)
    ]
    if along[0] == 2:
        along, places, values = along[::-1], places[::-1], values.T
    for i in (0, 1):
        if places[i][-1] < places[i][0]:
            places[i], values = places[i][::-1], np.flip(values, axis=i)
    front = along[0] == 0
    return Radiograph(np.ascontiguousarray(values), places[0], places[1], front, float(of.origin_mm[1 if front else 0]))
