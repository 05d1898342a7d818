"""`gemel demo infusion`: a made-up target beside fibres is infused, looked at, and infused again where that is better."""

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
from gemel.systems.infusion.phantom import phantom
from gemel.systems.infusion.virtual import VirtualPatient, outlined, tensor

START, PATIENT_ID = "2026-03-02T09:00:00", "DIGITAL-INFUSION"
TRUTH = {"porosity_1": 0.23, "anisotropy_1": 1.4, "loss_1_s": 2e-5, "backflow_1": 0.3}
SPACING_mm = 2.0


def demo(folder: Path, *, infusions: int = 2, made_s: float, progress: Progress = silent) -> Path:
    """Path of the report after so many decisions, each followed and looked at at its end. InputError: a folder with other things."""
    prepared(folder)
    patient = VirtualPatient(phantom(shape=32, spacing_mm=SPACING_mm, radius_mm=9.0, turned_deg=30.0), TRUTH)
    with store.open(folder / "twins.db") as record:
        planning, options = written_visit(folder, outlined(patient, ()), seconds(START), PATIENT_ID), {"spacing_mm": SPACING_mm}
        twin_id = new(record, "infusion", planning, _tensor(patient, folder), actor="demo", options=options, progress=progress)
        given: tuple[Action, ...] = ()
        for number in range(infusions):
            progress("infusions", number, infusions)
            plan = decide(record, twin_id, actor="demo", progress=progress).decision.recommended
            done = act(record, twin_id, plan, actor="demo")
            given = (*given, Action(**done.payload["action"]))
            if not given[-1].amount:
                break
            seen = written_visit(folder, outlined(patient, given), done.valid_s + 3600.0 * given[-1].amount + 600.0, PATIENT_ID)
            observe(record, twin_id, seen, actor="demo", progress=progress)
        progress("infusions", infusions, infusions)
        return report(record, twin_id, folder, made_s=made_s, progress=progress)


def _tensor(patient: VirtualPatient, folder: Path) -> Path:
    """The tensor as a folder."""
    path = folder / "dti"
    path.mkdir()
    for axis, image in tensor(patient).items():
        io.write_nifti(path / f"{axis}.nii.gz", image)
    (path / "tensor.json").write_text(json.dumps({"Units": "mm2/s"}), encoding="utf-8")
    return path
