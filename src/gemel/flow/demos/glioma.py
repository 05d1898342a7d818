"""`gemel demo glioma`: a made-up patient with a high-grade glioma lives through scans, weekly decisions and radiotherapy."""

import json
from pathlib import Path

import numpy as np

from gemel import io, store
from gemel.core.image import Image
from gemel.core.record import Action
from gemel.core.system import Progress, silent
from gemel.core.time import DAY_S, iso, seconds
from gemel.flow.act import act
from gemel.flow.decide import decide
from gemel.flow.demos.folder import prepared
from gemel.flow.new import new
from gemel.flow.observe import observe
from gemel.flow.report import report
from gemel.systems.glioma.events import Setting
from gemel.systems.glioma.virtual import VirtualPatient, labels_of, outlined

SEED = 20266
START, RADIOTHERAPY = "2026-03-02T09:00:00", "2026-03-23T09:00:00"
PATIENT_ID = "DIGITAL-GLIOMA"
TRUTH = {"rho_1_d": 0.04, "capacity_mL": 180.0, "alpha_1_Gy": 0.055, "drug_kill_1": 0.03, "burden_mL": 15.0, "flair_ratio_1": 3.0}
BEFORE_d, SCANNED = (0, 14), (1, 2, 4, 6)
"""Days of the visits before radiotherapy; weeks at whose end there is a visit."""


def demo(folder: Path, *, weeks: int = 6, made_s: float, progress: Progress = silent) -> Path:
    """Path of the report after two visits and so many weeks, each given as was recommended. InputError: a folder with other things."""
    prepared(folder)
    start_s = seconds(START)
    patient = VirtualPatient({name: np.array([value]) for name, value in TRUTH.items()}, start_s - DAY_S, Setting(concurrent=True))
    visits = [_visit(patient, (), start_s + day * DAY_S, folder) for day in BEFORE_d]
    with store.open(folder / "twins.db") as record:
        options = {"radiotherapy": RADIOTHERAPY, "concurrent": True}
        twin_id = new(record, "glioma", visits, None, actor="demo", options=options, progress=progress)
        given: tuple[Action, ...] = ()
        for week in range(1, weeks + 1):
            progress("weeks", week - 1, weeks)
            decided = decide(record, twin_id, actor="demo", progress=progress)
            done = act(record, twin_id, decided.decision.recommended, actor="demo", another=week - 1 not in (0, *SCANNED))
            given = (*given, Action(**done.payload["action"]))
            if week in SCANNED:
                observe(record, twin_id, _visit(patient, given, done.valid_s + 5 * DAY_S, folder), actor="demo", progress=progress)
        progress("weeks", weeks, weeks)
        return report(record, twin_id, folder, made_s=made_s, progress=progress)


def _visit(patient: VirtualPatient, given: tuple[Action, ...], t_s: float, folder: Path) -> Path:
    """The segmentation of one visit as a label map with its sidecar."""
    regions = outlined(patient, given, t_s, np.random.default_rng([SEED, int(t_s)]))
    labels, names = labels_of(regions)
    path = folder / f"mri_{iso(t_s)[:10]}.nii.gz"
    io.write_nifti(path, Image(labels, regions.grid.affine_mm))
    fields = {"AcquisitionDateTime": iso(t_s), "PatientID": PATIENT_ID, "labels": names}
    path.with_name(path.name.removesuffix(".nii.gz") + ".json").write_text(json.dumps(fields), encoding="utf-8")
    return path
