"""Visits of a made-up patient with a glioma as a PACS holds them: DICOM Segmentations drawn on MR images of 2 mm."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pydicom.uid import MRImageStorage

from gemel import io
from gemel.core.image import Image
from gemel.core.record import Action
from gemel.core.structures import Structures
from gemel.core.time import seconds
from gemel.flow.demos.glioma import START, TRUTH
from gemel.io.frames import Slices
from gemel.io.radiation_sr import da_tm
from gemel.io.seg_write import write_segmentation
from gemel.systems.glioma.events import Setting
from gemel.systems.glioma.virtual import VirtualPatient, outlined

__all__ = ["FRAME", "PATIENT", "START", "visit"]

PATIENT, FRAME = "DIGITAL-GLIOMA", "1.2.826.0.1.9.1"


def visit(folder: Path, t_s: float, given: Sequence[Action] = (), *, patient: str = PATIENT) -> Path:
    """The segmentation of one visit, in a study of its own."""
    params = {name: np.array([value]) for name, value in TRUTH.items()}
    sick = VirtualPatient(params, seconds(START) - 86400.0, Setting(concurrent=True))
    seen = outlined(sick, given, t_s, np.random.default_rng(int(t_s)))
    image, study = Image(seen.grid.array, seen.grid.affine_mm, FRAME), f"1.2.826.0.1.7.{int(t_s)}"
    who = io.Identity(patient, study_uid=study, series_uid=f"{study}.1", frame_uid=FRAME, modality="MR", patient_name="DIGITAL^GLIOMA")
    uids = tuple(f"{study}.1.{k + 1}" for k in range(image.shape[2]))
    path = folder / f"seg_{int(t_s)}.dcm"
    write_segmentation(path, Structures(image, dict(seen.masks)), Slices(str(MRImageStorage), uids, image, who, *da_tm(t_s)))
    return path
