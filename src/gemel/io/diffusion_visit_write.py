"""One MRI visit out, in the layout that `read_diffusion_visit` takes."""

import json
from pathlib import Path

import numpy as np

from gemel.core.diffusion import DiffusionVisit
from gemel.core.image import with_array
from gemel.core.time import iso
from gemel.io.diffusion_visit import NAME
from gemel.io.files import write_atomic
from gemel.io.nifti import write_nifti


def write_diffusion_visit(folder: str | Path, visit: DiffusionVisit, *, patient_id: str = "") -> None:
    """NIfTI maps (ADC in 1e-6 mm2/s) and visit.json."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    grid = visit.adc_mm2_s
    write_nifti(folder / "adc.nii.gz", with_array(grid, (grid.array * 1e6).astype(np.float32)))
    write_nifti(folder / "tumour.nii.gz", with_array(grid, visit.tumour.astype(np.float32)))
    fields: dict[str, str | bool] = {
        "time": iso(visit.acquired_s),
        "adc": "adc.nii.gz",
        "adc_unit": "1e-6 mm2/s",
        "tumour": "tumour.nii.gz",
    }
    for name, image in (("supply", visit.supply), ("tissue", visit.tissue)):
        if image is not None:
            write_nifti(folder / f"{name}.nii.gz", image)
            fields[name] = f"{name}.nii.gz"
    if visit.nothing_left:
        fields["nothing_left"] = True
    if patient_id:
        fields["patient"] = patient_id
    write_atomic(folder / NAME, json.dumps(fields, indent=1).encode())
