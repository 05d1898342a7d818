"""`gemel demo`: a digital patient made by gemel lives through the whole loop, by the same verbs a hospital would use."""

from pathlib import Path

import numpy as np

from gemel import io, store
from gemel.core.system import Progress, silent
from gemel.core.time import DAY_S, iso, seconds
from gemel.flow.act import act
from gemel.flow.decide import decide
from gemel.flow.demos.folder import prepared
from gemel.flow.new import new
from gemel.flow.observe import observe
from gemel.flow.prepare import prepare
from gemel.flow.report import report
from gemel.systems.prostate_radiotherapy.day import VirtualPatient, cbct_of, virtual_patient

SEED = 20261
START = "2026-03-02T09:00:00"
IDENTITY = io.Identity("DIGITAL-PELVIS", patient_name="DIGITAL^PELVIS")


def demo(folder: Path, *, days: int = 3, plans: int = 4, made_s: float, progress: Progress = silent) -> Path:
    """Path of the report after `days` treatment days. A folder that a demo did not make is left alone: InputError."""
    prepared(folder)
    patient = virtual_patient(days, np.random.default_rng(SEED))
    _write_planning(patient, folder)
    with store.open(folder / "twins.db") as record:
        twin_id = new(record, "prostate", folder / "ct", folder / "RTSTRUCT.dcm", actor="demo")
        prepare(record, twin_id, k=plans, actor="demo", progress=progress)
        for day in range(1, days + 1):
            progress("days", day - 1, days)
            scan = folder / f"cbct_{day}"
            when = iso(seconds(START) + day * DAY_S)
            image = cbct_of(patient, day - 1, np.random.default_rng([SEED, day]))
            io.write_image(scan, image, IDENTITY, description="simulated CBCT", acquired=when.removesuffix("Z"))
            observe(record, twin_id, scan, actor="demo", progress=progress)
            decided = decide(record, twin_id, actor="demo", progress=progress)
            act(record, twin_id, decided.decision.recommended, actor="demo")
        progress("days", days, days)
        return report(record, twin_id, folder, made_s=made_s, progress=progress)


def _write_planning(patient: VirtualPatient, folder: Path) -> None:
    series = io.write_image(folder / "ct", patient.ct, IDENTITY, description="digital pelvis", acquired=START)
    io.write_structures(folder / "RTSTRUCT.dcm", patient.structures, series, label="PLANNING")
