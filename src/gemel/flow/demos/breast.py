"""`gemel demo breast`: a made-up tumour lives through chemotherapy, seen by MRI visits as a hospital would hand them over."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from gemel import io, store
from gemel.core.record import Action
from gemel.core.system import Progress, silent
from gemel.core.time import DAY_S, iso, seconds
from gemel.core.twin import given
from gemel.flow.act import act
from gemel.flow.decide import decide
from gemel.flow.demos.folder import prepared
from gemel.flow.new import new
from gemel.flow.observe import observe
from gemel.flow.report import report
from gemel.flow.session import open_session
from gemel.store import Store
from gemel.systems.breast.drugs import Dose
from gemel.systems.breast.phantom import phantom
from gemel.systems.breast.virtual import VirtualPatient, virtual_patient, visit_of

SEED = 20266
START = "2026-03-02T09:00:00"
PATIENT = "DIGITAL-BREAST"
FIRST_d, SECOND_d, EVERY_d = 1.0, 20.0, 21.0
RADIUS_mm = 12.0


def demo(folder: Path, *, visits: int = 3, made_s: float, progress: Progress = silent) -> Path:
    """Path of the report after so many visits: one before therapy, one after the first dose, one after every two doses decided on.

    A folder that a demo did not make is left alone: InputError.
    """
    prepared(folder)
    start_s, rng = seconds(START), np.random.default_rng(SEED)
    first = Dose("AC", start_s + FIRST_d * DAY_S, 1.0)
    patient = virtual_patient(phantom(rng, radius_mm=RADIUS_mm), rng, start_s=start_s, given=(first,))
    with store.open(folder / "twins.db") as record:
        options = {"doses": [f"AC@{iso(first.t_s)}"]}
        twin_id = new(record, "breast", _visit(patient, (), start_s, folder), actor="demo", options=options, progress=progress)
        t_s = start_s + SECOND_d * DAY_S
        for number in range(2, visits + 1):
            progress("visits", number - 2, visits - 1)
            done = given(open_session(record, twin_id).twin)
            observe(record, twin_id, _visit(patient, done, t_s, folder), actor="demo", progress=progress)
            t_s = _treated(record, twin_id, progress)
        progress("visits", visits - 1, visits - 1)
        return report(record, twin_id, folder, made_s=made_s, progress=progress)


def _treated(record: Store, twin_id: str, progress: Progress) -> float:
    """Two doses of what is recommended; the time of the visit after them."""
    plan = decide(record, twin_id, actor="demo", progress=progress).decision.recommended
    act(record, twin_id, plan, actor="demo")
    last = act(record, twin_id, plan, actor="demo", another=True)
    return last.valid_s + (EVERY_d - 2.0) * DAY_S


def _visit(patient: VirtualPatient, done: tuple[Action, ...], t_s: float, folder: Path) -> Path:
    path = folder / f"visit_{iso(t_s)[:10]}"
    made = visit_of(patient, done, t_s, np.random.default_rng([SEED, int(t_s)]))
    io.write_diffusion_visit(path, replace(made, source=path.name), patient_id=PATIENT)
    return path
