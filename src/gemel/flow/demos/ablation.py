"""`gemel demo ablation`: a made-up tumour in a fatty liver is ablated, looked at, and ablated again where that is better."""

import json
from pathlib import Path

from gemel import io, store
from gemel.core.record import Action
from gemel.core.system import Progress, silent
from gemel.core.time import seconds
from gemel.flow.act import act
from gemel.flow.decide import decide
from gemel.flow.demos.folder import prepared, written_visit
from gemel.flow.new import new
from gemel.flow.observe import observe
from gemel.flow.report import report
from gemel.systems.ablation.phantom import phantom
from gemel.systems.ablation.virtual import VirtualPatient, fat_image, outlined

START, PATIENT_ID = "2026-03-02T09:00:00", "DIGITAL-ABLATION"
TRUTH = {"perfusion_1_s": 0.024, "tumour_perfusion_1": 0.8, "conductivity_1": 0.95, "efficiency_1": 0.52, "length_mm": 10.0}
SPACING_mm = 3.0


def demo(folder: Path, *, applications: int = 2, made_s: float, progress: Progress = silent) -> Path:
    """Path of the report after so many decisions, each followed and looked at an hour later. InputError: a folder with other things."""
    prepared(folder)
    patient = VirtualPatient(phantom(shape=36, spacing_mm=SPACING_mm, radius_mm=10.0, fat_1=0.2, away_mm=33.0), TRUTH)
    fat = folder / "fat.nii.gz"
    io.write_nifti(fat, fat_image(patient))
    (folder / "fat.json").write_text(json.dumps({"Units": "1"}), encoding="utf-8")
    with store.open(folder / "twins.db") as record:
        planning = written_visit(folder, outlined(patient, ()), seconds(START), PATIENT_ID)
        twin_id = new(record, "ablation", planning, fat, actor="demo", options={"spacing_mm": SPACING_mm}, progress=progress)
        given: tuple[Action, ...] = ()
        for number in range(applications):
            progress("applications", number, applications)
            plan = decide(record, twin_id, actor="demo", progress=progress).decision.recommended
            done = act(record, twin_id, plan, actor="demo")
            given = (*given, Action(**done.payload["action"]))
            if not given[-1].amount:
                break
            seen = written_visit(folder, outlined(patient, given), done.valid_s + 7200.0, PATIENT_ID)
            observe(record, twin_id, seen, actor="demo", progress=progress)
        progress("applications", applications, applications)
        return report(record, twin_id, folder, made_s=made_s, progress=progress)
