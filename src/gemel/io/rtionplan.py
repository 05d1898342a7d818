"""A plan of scanned protons in: RT Ion Plan → IonPlan, or the reason why it cannot be honoured. DICOM PS3.3 A.49, C.8.8.25."""

from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import RTIonPlanStorage

from gemel.core.errors import GeometryError, InputError, UnitError
from gemel.io.dicom_file import guarded, items, numbers, parse, require_class, text, uid, value
from gemel.io.files import read_bytes
from gemel.io.identity import Identity, Series, require_same_frame, require_same_patient
from gemel.io.ion_control_points import isocentre_mm, layers, range_shifter, steady
from gemel.io.ion_plan import ABSENT, POSITIONS, UNITS, IonBeam, IonPlan, PARALLEL_mm, Prescription

_TREATED = ("TREATMENT", "CONTINUATION")


def read_rtionplan(path: str | Path, *, series: Series | None = None) -> IonPlan:
    """The plan of one RT Ion Plan file: metersets of one fraction in the file's own unit, spots as float32, setup beams left out.

    Raises InputError for another object, for passive scattering or uniform scanning, for apertures and compensators, and for missing
    elements; GeometryError for couch angles, moving gantries and positions other than HFS, HFP, FFS, FFP; UnitError for an unknown
    dosimeter unit; IdentityError when `series` is given and is of another patient or frame of reference.
    """
    where = str(path)
    dataset = parse(read_bytes(Path(path)), where)
    require_class(dataset, RTIonPlanStorage, where)
    if series is not None:
        require_same_patient(series.identity, Identity(text(dataset, "PatientID", where), text(dataset, "IssuerOfPatientID", where)), where)
        require_same_frame(series.identity.frame_uid, uid(dataset, "FrameOfReferenceUID", where), where)
    group, fractions = _fraction_group(dataset, where)
    treated = [beam for beam in value(dataset, "IonBeamSequence", where) if text(beam, "TreatmentDeliveryType", where) != "SETUP"]
    if not treated:
        raise InputError("no treatment beam", where=where, remedy="export a plan with beams")
    references = items(dataset, "ReferencedStructureSetSequence", where)
    return IonPlan(
        label=text(dataset, "RTPlanLabel", where),
        beams=tuple(_beam(beam, group, where) for beam in treated),
        fractions=fractions,
        unit=_unit(treated, where),
        patient_position=_position(dataset, treated, where),
        prescriptions=tuple(_prescriptions(dataset, where)),
        structure_set_uid=uid(references[0], "ReferencedSOPInstanceUID", where) if references else "",
        approval=text(dataset, "ApprovalStatus", where),
    )


def _fraction_group(dataset: Dataset, where: str) -> tuple[dict[int, float], int]:
    """BeamMeterset by beam number, and the number of fractions."""
    groups = value(dataset, "FractionGroupSequence", where)
    if len(groups) != 1:
        raise InputError(f"{len(groups)} items of FractionGroupSequence", where=where, remedy="export one fraction group a plan")
    fractions = int(numbers(groups[0], "NumberOfFractionsPlanned", 1, where)[0])
    metersets = {}
    for item in value(groups[0], "ReferencedBeamSequence", where):
        number = int(numbers(item, "ReferencedBeamNumber", 1, where)[0])
        if text(item, "BeamMeterset", where):
            metersets[number] = float(numbers(item, "BeamMeterset", 1, where)[0])
    return metersets, fractions


def _unit(beams: list[Dataset], where: str) -> str:
    found = {text(beam, "PrimaryDosimeterUnit", where) for beam in beams}
    if len(found) != 1 or not found <= set(UNITS):
        stated = ", ".join(sorted(unit or "none" for unit in found))
        raise UnitError(f"PrimaryDosimeterUnit {stated}", where=where, remedy="export the plan with all beams in MU or all in NP")
    return found.pop()


def _position(dataset: Dataset, beams: list[Dataset], where: str) -> str:
    """The one PatientPosition of the setups that the beams name (of all setups when they name none)."""
    setups = value(dataset, "PatientSetupSequence", where)
    wanted = {text(beam, "ReferencedPatientSetupNumber", where) for beam in beams} - {""}
    used = [item for item in setups if not wanted or text(item, "PatientSetupNumber", where) in wanted]
    found = {text(item, "PatientPosition", where) for item in used}
    if len(found) != 1 or not found <= set(POSITIONS):
        stated = ", ".join(sorted(position or "none" for position in found)) or "none"
        raise GeometryError(f"PatientPosition {stated}", where=where, remedy=f"export a plan for one of {', '.join(POSITIONS)}")
    return found.pop()


def _prescriptions(dataset: Dataset, where: str) -> list[Prescription]:
    """Doses to volumes; references to points and sites, or without a dose, are left out."""
    found = []
    for item in items(dataset, "DoseReferenceSequence", where):
        kind = text(item, "DoseReferenceType", where)
        keyword = "TargetPrescriptionDose" if kind == "TARGET" else "OrganAtRiskMaximumDose"
        if text(item, "DoseReferenceStructureType", where) == "VOLUME" and text(item, keyword, where):
            number, dose_Gy = (numbers(item, key, 1, where)[0] for key in ("ReferencedROINumber", keyword))
            found.append(Prescription(int(number), float(dose_Gy), kind, text(item, "DoseReferenceDescription", where)))
    return found


def _beam(beam: Dataset, metersets: dict[int, float], path: str) -> IonBeam:
    number = int(numbers(beam, "BeamNumber", 1, path)[0])
    where = f"beam {number} of {path}"
    _require_scanned_protons(beam, where)
    if number not in metersets:
        raise InputError("no BeamMeterset", where=where, remedy="export the plan after dose calculation, with its metersets")
    points = guarded(lambda: list(value(beam, "IonControlPointSequence", where)), where)
    source_mm = numbers(beam, "VirtualSourceAxisDistances", 2, where)
    snout = items(beam, "SnoutSequence", where)
    return IonBeam(
        number=number,
        name=text(beam, "BeamName", where),
        gantry_deg=steady(points, "GantryAngle", where),
        isocentre_mm=isocentre_mm(points, where),
        layers=layers(points, metersets[number], float(numbers(beam, "FinalCumulativeMetersetWeight", 1, where)[0]), where),
        source_mm=(_distance_mm(source_mm[0]), _distance_mm(source_mm[1])),
        machine=text(beam, "TreatmentMachineName", where),
        range_shifter=range_shifter(beam, points, where),
        snout=text(snout[0], "SnoutID", where) if snout else "",
        snout_mm=steady(points, "SnoutPosition", where) if text(points[0], "SnoutPosition", where) else None,
    )


def _distance_mm(stated_mm: float) -> float:
    return float(np.inf if stated_mm >= PARALLEL_mm else stated_mm)


def _require_scanned_protons(beam: Dataset, where: str) -> None:
    delivery, radiation, mode = (text(beam, key, where) for key in ("TreatmentDeliveryType", "RadiationType", "ScanMode"))
    if delivery not in _TREATED:
        raise InputError(f"TreatmentDeliveryType {delivery or 'none'}", where=where, remedy="export treatment and setup beams only")
    if radiation != "PROTON":
        raise InputError(f"RadiationType {radiation or 'none'}", where=where, remedy="export a proton plan")
    if mode != "MODULATED":
        found = f"ScanMode {mode or 'none'} (passive scattering, uniform or special scanning)"
        raise InputError(found, where=where, remedy="export a plan of modulated scanned beams (MODULATED)")
    for device in ABSENT:
        keyword = f"NumberOf{device}"
        if text(beam, keyword, where) not in ("", "0"):
            raise InputError(
                f"{keyword} = {text(beam, keyword, where)}", where=where, remedy="plan the beam without it; it shapes the dose"
            )
