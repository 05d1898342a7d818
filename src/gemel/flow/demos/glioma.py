"""`gemel demo glioma`: a made-up patient with a high-grade glioma lives through scans, weekly decisions and radiotherapy."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from gemel import store
from gemel.core.record import Action
from gemel.core.structures import Structures
from gemel.core.system import Progress, silent
from gemel.core.time import DAY_S, seconds
from gemel.flow.act import act
from gemel.flow.decide import decide
from gemel.flow.demos.folder import prepared, written_visit
from gemel.flow.new import new
from gemel.flow.observe import observe
from gemel.flow.report import report
from gemel.systems.glioma import virtual_field
from gemel.systems.glioma.events import Setting
from gemel.systems.glioma.transport import CONTRAST, WAY, WAYS
from gemel.systems.glioma.virtual import VirtualPatient, outlined

SEED = 20266
START, RADIOTHERAPY = "2026-03-02T09:00:00", "2026-03-23T09:00:00"
PATIENT_ID = "DIGITAL-GLIOMA"
TRUTH = {
    "rho_1_d": 0.04, "capacity_mL": 180.0, "alpha_1_Gy": 0.055, "drug_kill_1": 0.03, "clearance_1_d": 0.03, "burden_mL": 15.0,
    "flair_ratio_1": 3.0,
}  # fmt: skip
FIELD_TRUTH = {
    "rho_1_d": 0.05, "D_white_mm2_d": 0.33, "alpha_1_Gy": 0.03, "drug_kill_1": 0.03, "clearance_1_d": 0.05, WAY: WAYS.index(CONTRAST),
}  # fmt: skip
BEFORE_d, SCANNED = (0, 14), (1, 2, 4, 6)
"""Days of the visits before radiotherapy; weeks at whose end there is a visit."""
Seen = Callable[[Sequence[Action], float, np.random.Generator], Structures]


def demo(folder: Path, *, weeks: int = 6, field: int = 0, made_s: float, progress: Progress = silent) -> Path:
    """Path of the report after two visits and so many weeks, each given as was recommended; `field`: 1 for the field member.

    InputError: a folder with other things.
    """
    prepared(folder)
    start_s, seen = seconds(START), _seen_in_fields() if field else _seen()
    visits = [_visit(seen, (), start_s + day * DAY_S, folder) for day in BEFORE_d]
    with store.open(folder / "twins.db") as record:
        options = {"radiotherapy": RADIOTHERAPY, "concurrent": True} | ({"member": "field"} if field else {})
        twin_id = new(record, "glioma", visits, None, actor="demo", options=options, progress=progress)
        given: tuple[Action, ...] = ()
        for week in range(1, weeks + 1):
            progress("weeks", week - 1, weeks)
            decided = decide(record, twin_id, actor="demo", progress=progress)
            done = act(record, twin_id, decided.decision.recommended, actor="demo", another=week - 1 not in (0, *SCANNED))
            given = (*given, Action(**done.payload["action"]))
            if week in SCANNED:
                observe(record, twin_id, _visit(seen, given, done.valid_s + 5 * DAY_S, folder), actor="demo", progress=progress)
        progress("weeks", weeks, weeks)
        return report(record, twin_id, folder, made_s=made_s, progress=progress)


def _seen() -> Seen:
    """Of a volume."""
    params = {name: np.array([value]) for name, value in TRUTH.items()}
    return partial(outlined, VirtualPatient(params, seconds(START) - DAY_S, Setting(concurrent=True)))


def _seen_in_fields() -> Seen:
    """Of a field of cells."""
    params = {name: np.array([float(value)]) for name, value in FIELD_TRUTH.items()}
    patient = virtual_field.VirtualField(params, seconds(START), Setting(concurrent=True))

    def seen(given: Sequence[Action], t_s: float, rng: np.random.Generator) -> Structures:
        return virtual_field.outlined(virtual_field.visible(patient, given, [t_s])[0], rng)

    return seen


def _visit(seen: Seen, given: Sequence[Action], t_s: float, folder: Path) -> Path:
    """The segmentation of one visit as a label map with its sidecar."""
    return written_visit(folder, seen(given, t_s, np.random.default_rng([SEED, int(t_s)])), t_s, PATIENT_ID)
