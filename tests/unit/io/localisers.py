"""Localisers for tests: computed from slices as the scanner's own rays see them, and written as DICOM."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pydicom

from gemel.core.image import Array, Image
from gemel.core.radiograph import Radiograph
from gemel.devices.ct import expose, trace
from gemel.devices.ct.scanner import Scanner
from gemel.io import Identity, write_image

U_MM = np.arange(-250.0, 250.1, 2.0)
UNIT = 700.0
WHO = Identity("P1", study_uid="1.2.3", frame_uid="1.2.4")


def localisers(
    slices: Sequence[Array], spacing_mm: tuple[float, float], z_mm: Array, scanner: Scanner, *, kVp: float = 120.0, as_water: bool = False
) -> tuple[Radiograph, Radiograph]:
    """Frontal and lateral, isocentre at 0, 0; values are −ln(I/I₀) of the polychromatic beam times UNIT and 13 for air.

    `as_water`: mm of water instead of UNIT times the attenuation.
    """
    rows: dict[bool, list[Array]] = {True: [], False: []}
    for hu in slices:
        anatomy = trace(np.maximum(hu, -1000.0), spacing_mm, scanner)
        fan = anatomy.fan
        seen = 10 * anatomy.lines_cm[..., 0] / UNIT if as_water else expose(anatomy, scanner, kVp).attenuation
        angle = (np.arange(fan.n_u) - (fan.n_u - 1) / 2) * fan.pitch_u_mm / fan.source_detector_mm
        u = fan.source_isocentre_mm * np.tan(angle)
        rows[False].append(np.interp(U_MM, u, seen[0]))
        rows[True].append(np.interp(U_MM, u, seen[3 * len(seen) // 4]))
    made = {front: 13.0 + UNIT * np.array(found).T for front, found in rows.items()}
    return Radiograph(made[True], U_MM, z_mm, True, 0.0), Radiograph(made[False], U_MM, z_mm, False, 0.0)


def write_localiser(path: Path, of: Radiograph, identity: Identity = WHO, **tags: Any) -> Path:
    """One file as scanners write them: rows from the head down."""
    folder = path.parent / f"{path.name}.series"
    write_image(folder, Image(np.zeros((8, 8, 1), dtype=np.float32), np.eye(4)), identity)
    dataset = pydicom.dcmread(next(folder.iterdir()))
    stored = np.rint(of.values[:, ::-1]).astype("<i2")
    first = (of.u_mm[0], of.plane_mm) if of.front else (of.plane_mm, of.u_mm[0])
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    dataset.ImagePositionPatient = [float(first[0]), float(first[1]), float(of.z_mm[-1])]
    dataset.ImageOrientationPatient = [1, 0, 0, 0, 0, -1] if of.front else [0, 1, 0, 0, 0, -1]
    dataset.PixelSpacing = [float(of.z_mm[1] - of.z_mm[0]), float(of.u_mm[1] - of.u_mm[0])]
    dataset.Columns, dataset.Rows = stored.shape
    dataset.RescaleIntercept, dataset.RescaleSlope = 0, 1
    dataset.PixelData = stored.T.tobytes()
    for name, value in tags.items():
        setattr(dataset, name, value)
    dataset.save_as(path)
    return path
