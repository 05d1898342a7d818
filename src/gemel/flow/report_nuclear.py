"""What nuclear medicine hands on, written as DICOM: the scan, its regions, maps of decays and dose, injections and organ doses."""

from dataclasses import replace
from pathlib import Path

from pydicom.uid import NuclearMedicineImageStorage

from gemel import io
from gemel.core.image import Image
from gemel.core.page import Radionuclide
from gemel.core.structures import Structures
from gemel.flow.session import Session
from gemel.io.frames import Volume
from gemel.io.parametric_map_write import TIME_INTEGRATED_ACTIVITY, write_parametric_map
from gemel.io.patient_dose_sr import Basis, write_patient_dose_sr
from gemel.io.radiation_sr import da_tm, write_radiopharmaceutical_sr
from gemel.io.seg_write import write_segmentation


def write_nuclear(session: Session, objects: Radionuclide, folder: Path) -> tuple[str, ...]:
    """Names of the files, in one frame of reference: that of the scan, or one of its own where it states none. Never approved."""
    identity = _identity(session, objects)
    frame = identity.frame_uid
    scan = replace(objects.scan, image=_framed(objects.scan.image, frame))
    uid = io.write_nm(folder / "NM.dcm", scan, identity, description="activity at the start of the scan, research use")
    volume = Volume(str(NuclearMedicineImageStorage), uid, scan.image, identity, *da_tm(scan.acquired_s))
    held = objects.structures
    regions = Structures(_framed(held.grid, frame), {name: mask for name, mask in held.masks.items() if mask.any()})
    seg = write_segmentation(folder / "SEG.dcm", regions, volume)
    decays = _framed(objects.decays_Bq_s_mL, frame)
    write_parametric_map(folder / "PM_TIA.dcm", decays, volume, TIME_INTEGRATED_ACTIVITY)
    dose = io.write_dose(folder / "RTDOSE.dcm", _framed(objects.dose_Gy, frame), identity, description="dose of one cycle, research use")
    return ("NM.dcm", "SEG.dcm", "PM_TIA.dcm", "RTDOSE.dcm", *_reports(objects, identity, (seg, dose), folder))


def _reports(objects: Radionuclide, identity: io.Identity, made: tuple[str, str], folder: Path) -> tuple[str, ...]:
    names = [f"RRDSR_{n}.dcm" for n in range(1, len(objects.given) + 1)]
    uids = tuple(write_radiopharmaceutical_sr(folder / name, given, identity) for name, given in zip(names, objects.given, strict=True))
    write_patient_dose_sr(folder / "PRDSR.dcm", objects.total, Basis(uids, *made), identity, at_s=objects.scan.acquired_s)
    return (*names, "PRDSR.dcm")


def _identity(session: Session, objects: Radionuclide) -> io.Identity:
    who = session.store.person(session.entries[0])
    frame = objects.scan.image.frame or io.content_uid("frame", session.entries[0].hash)
    patient = who["patient_id"] or session.id
    return io.Identity(patient, who["issuer"], who["study_uid"], frame_uid=frame, modality="NM", patient_name=who["patient_name"])


def _framed(image: Image, frame: str) -> Image:
    return replace(image, frame=frame)
