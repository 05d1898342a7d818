"""`gemel demo theranostics`: a made-up patient with Lu-177 lives through scans, blood counts, decisions and cycles, from DICOM files on."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from gemel import io, store
from gemel.core.activity import ActivityImage
from gemel.core.digest import digest
from gemel.core.image import Image
from gemel.core.record import Action
from gemel.core.system import Progress, silent
from gemel.core.time import DAY_S, iso, seconds
from gemel.devices.nuclear.phantom import Phantom, hounsfield
from gemel.flow.act import act
from gemel.flow.decide import decide
from gemel.flow.demos.folder import prepared
from gemel.flow.new import new
from gemel.flow.observe import observe
from gemel.flow.report import report
from gemel.flow.session import open_session
from gemel.store import Store
from gemel.systems.theranostics.virtual import CAMERA, VirtualPatient, labs_of, spect_of, virtual_patient

SEED = 20265
START = "2026-03-02T09:00:00"
FIRST_MBq = 7400.0
FIRST_h, LATER_h = (4.0, 24.0, 72.0, 168.0), (24.0, 96.0)
HOUR_S = 3600.0
IDENTITY = io.Identity("DIGITAL-THERANOSTICS", patient_name="DIGITAL^THERANOSTICS")
UNITS: Mapping[str, str] = {"platelets": "10*9/L", "psa": "ng/mL"}


def demo(folder: Path, *, cycles: int = 2, made_s: float, body: Phantom | None = None, progress: Progress = silent) -> Path:
    """Path of the report after `cycles` cycles: four scans of the first, and of each later one two scans and the counts before it.

    `body`: a phantom other than the male of 6 mm. A folder that a demo did not make is left alone: InputError.
    """
    prepared(folder)
    start_s = seconds(START)
    patient = virtual_patient(np.random.default_rng(SEED), given=(start_s, FIRST_MBq), made=body)
    paths = [_scan(patient, (), start_s + hours * HOUR_S, folder) for hours in FIRST_h]
    before = _labs(patient, (), start_s - DAY_S, folder)
    with store.open(folder / "twins.db") as record:
        options = {"calibration_cps_MBq": CAMERA.calibration.Q_1_MBq_s, "fwhm_mm": CAMERA.fwhm_mm, "recover": True}
        regions, ct = _regions(patient, folder), _ct(patient, folder)
        twin_id = new(record, "theranostics", paths, ct, regions, before, actor="demo", options=options, progress=progress)
        for cycle in range(2, cycles + 1):
            progress("cycles", cycle - 2, cycles - 1)
            _cycle(record, twin_id, patient, folder, progress)
        progress("cycles", cycles - 1, cycles - 1)
        decide(record, twin_id, actor="demo", progress=progress)
        return report(record, twin_id, folder, made_s=made_s, progress=progress)


def _cycle(record: Store, twin_id: str, patient: VirtualPatient, folder: Path, progress: Progress) -> None:
    """What was recommended is given, the counts of the day before it and two scans after it are observed."""
    decided = decide(record, twin_id, actor="demo", progress=progress)
    done = act(record, twin_id, decided.decision.recommended, actor="demo")
    given = tuple(action for action in open_session(record, twin_id).twin.record if isinstance(action, Action))
    if not given[-1].amount > 0:
        return
    observe(record, twin_id, _labs(patient, given, done.valid_s - DAY_S, folder), kind="labs", actor="demo", progress=progress)
    for hours in LATER_h:
        observe(
            record, twin_id, _scan(patient, given, done.valid_s + hours * HOUR_S, folder), kind="spect", actor="demo", progress=progress
        )


def _scan(patient: VirtualPatient, given: tuple[Action, ...], t_s: float, folder: Path) -> Path:
    """A SPECT as DICOM NM, in a frame of reference of its own."""
    path = folder / f"spect_{iso(t_s)[:13]}h.dcm"
    made = spect_of(patient, given, t_s, np.random.default_rng([SEED, int(t_s)]))
    io.write_nm(path, _framed(made), IDENTITY, description="simulated SPECT")
    return path


def _framed(scan: ActivityImage) -> ActivityImage:
    frame = io.content_uid("frame", digest(scan.image.array))
    return ActivityImage(**{**vars(scan), "image": Image(scan.image.array, scan.image.affine_mm, frame)})


def _labs(patient: VirtualPatient, given: tuple[Action, ...], t_s: float, folder: Path) -> Path:
    path = folder / f"labs_{iso(t_s)[:10]}.json"
    values = labs_of(patient, given, t_s, np.random.default_rng([SEED, int(t_s)]))
    path.write_text(json.dumps({"time": iso(t_s), **{name: [value, UNITS[name]] for name, value in values.items()}}), encoding="utf-8")
    return path


def _regions(patient: VirtualPatient, folder: Path) -> Path:
    """The contours as a label map with its names beside."""
    labels = np.zeros(patient.structures.grid.shape, np.float32)
    names = dict(enumerate(patient.structures.masks, start=1))
    for number, name in names.items():
        labels[patient.structures[name]] = number
    io.write_nifti(folder / "regions.nii.gz", Image(labels, patient.structures.grid.affine_mm))
    (folder / "regions.json").write_text(json.dumps({str(number): name for number, name in names.items()}), encoding="utf-8")
    return folder / "regions.nii.gz"


def _ct(patient: VirtualPatient, folder: Path) -> Path:
    io.write_image(folder / "ct", hounsfield(patient.phantom), IDENTITY, description="digital CT", acquired=START)
    return folder / "ct"
