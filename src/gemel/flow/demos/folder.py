"""The folder that a demo writes to, and what several of them write there."""

import json
import shutil
from pathlib import Path

from gemel import io
from gemel.core.errors import InputError
from gemel.core.image import Image
from gemel.core.structures import Structures, labelled
from gemel.core.time import iso

MARK = ".gemel-demo"


def prepared(folder: Path) -> None:
    """An empty folder that says that a demo made it. Raises InputError for one that holds other things."""
    if folder.exists() and any(folder.iterdir()) and not (folder / MARK).exists():
        raise InputError("a folder that holds other things", where=str(folder), remedy="choose an empty one with --out")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / MARK).touch()


def written_visit(folder: Path, seen: Structures, t_s: float, patient_id: str) -> Path:
    """Outlines of one visit as a label map with its sidecar."""
    labels, names = labelled(seen)
    path = folder / f"mri_{iso(t_s)[:16].replace(':', '')}.nii.gz"
    io.write_nifti(path, Image(labels, seen.grid.affine_mm))
    fields = {"AcquisitionDateTime": iso(t_s), "PatientID": patient_id, "labels": names}
    path.with_name(path.name.removesuffix(".nii.gz") + ".json").write_text(json.dumps(fields), encoding="utf-8")
    return path
