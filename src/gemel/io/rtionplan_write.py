"""A plan of scanned protons out: RT Ion Plan. DICOM PS3.3 A.49, C.8.8.9 to C.8.8.13, C.8.8.16, C.8.8.25."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import RTIonPlanStorage, RTStructureSetStorage

from gemel.core.errors import InputError
from gemel.io.dicom_file import serialise
from gemel.io.dicom_object import decimal, new_dataset, reference
from gemel.io.equipment import stated_maker
from gemel.io.files import write_atomic
from gemel.io.identity import Identity
from gemel.io.ion_plan import ABSENT, IonBeam, IonLayer, IonPlan, PARALLEL_mm, Prescription, RangeShifter
from gemel.io.uids import content_uid

_SHORT = 16
_FIXED = (("GantryRotationDirection", "NONE"), ("BeamLimitingDeviceAngle", 0), ("BeamLimitingDeviceRotationDirection", "NONE"),
          ("PatientSupportAngle", 0), ("PatientSupportRotationDirection", "NONE"), ("TableTopPitchAngle", 0),
          ("TableTopPitchRotationDirection", "NONE"), ("TableTopRollAngle", 0), ("TableTopRollRotationDirection", "NONE"),
          ("TableTopVerticalPosition", None), ("TableTopLongitudinalPosition", None), ("TableTopLateralPosition", None))  # fmt: skip


def write_rtionplan(path: str | Path, plan: IonPlan, identity: Identity, *, name: str = "", intent: str = "RESEARCH") -> str:
    """Write the plan; returns the SOPInstanceUID. Always UNAPPROVED, whatever `plan.approval` says: approval is a person's act.

    Two control points a layer (C.8.8.25.7); cumulative meterset weights are the metersets themselves, so that BeamMeterset equals
    FinalCumulativeMetersetWeight. `name` is RTPlanName, `intent` PlanIntent. Raises InputError for a plan without beams, or names that
    the standard cannot hold.
    """
    if not plan.beams:
        raise InputError("a plan without beams", where=str(path), remedy="add spots to it (with_spots)")
    for text in (plan.label, *(beam.machine for beam in plan.beams), *(beam.snout for beam in plan.beams)):
        _require_short(text, str(path))
    content = content_uid("RTIONPLAN", identity.patient_id, identity.frame_uid, name, intent, *_content(plan))
    dataset = new_dataset(RTIonPlanStorage, "RTPLAN", identity, content, frame=identity.frame_uid, description=name)
    dataset.RTPlanLabel, dataset.RTPlanName, dataset.RTPlanDate, dataset.RTPlanTime = plan.label, name, "", ""
    dataset.PlanIntent, dataset.ApprovalStatus = intent, "UNAPPROVED"
    dataset.RTPlanGeometry = "PATIENT" if plan.structure_set_uid else "TREATMENT_DEVICE"
    if plan.structure_set_uid:
        dataset.ReferencedStructureSetSequence = [reference(RTStructureSetStorage, plan.structure_set_uid)]
    if plan.prescriptions:
        dataset.DoseReferenceSequence = [_dose_reference(n, p) for n, p in enumerate(plan.prescriptions, 1)]
    dataset.PatientSetupSequence = [_setup(plan)]
    dataset.FractionGroupSequence = [_fraction_group(plan)]
    dataset.IonBeamSequence = [_beam(beam, plan.unit) for beam in plan.beams]
    write_atomic(path, serialise(stated_maker(dataset)))
    return content


def _require_short(text: str, where: str) -> None:
    """RTPlanLabel, TreatmentMachineName and SnoutID are short strings (PS3.5 §6.2, VR SH)."""
    if len(text) > _SHORT or "\\" in text:
        remedy = f"use at most {_SHORT} characters without a backslash; a long name of the plan goes into name="
        raise InputError(f"a label or machine {text!r}", where=where, remedy=remedy)


def _content(plan: IonPlan) -> Iterator[str | bytes]:
    """All that tells one plan from another, so that equal plans get equal UIDs."""
    yield repr((plan.label, plan.fractions, plan.unit, plan.patient_position, plan.prescriptions, plan.structure_set_uid))
    for beam in plan.beams:
        yield repr((beam.number, beam.name, beam.gantry_deg, beam.isocentre_mm, beam.source_mm, beam.machine))
        yield repr((beam.range_shifter, beam.snout, beam.snout_mm))
        for layer in beam.layers:
            yield repr((layer.energy_MeV, layer.fwhm_mm, layer.tune))
            yield layer.spots_mm.tobytes()
            yield layer.meterset.tobytes()


def _dose_reference(number: int, prescription: Prescription) -> Dataset:
    item = Dataset()
    item.DoseReferenceNumber, item.DoseReferenceStructureType = number, "VOLUME"
    item.ReferencedROINumber, item.DoseReferenceType = prescription.roi_number, prescription.kind
    item.DoseReferenceDescription = prescription.description
    keyword = "TargetPrescriptionDose" if prescription.kind == "TARGET" else "OrganAtRiskMaximumDose"
    setattr(item, keyword, decimal(prescription.dose_Gy))
    return item


def _setup(plan: IonPlan) -> Dataset:
    item = Dataset()
    item.PatientSetupNumber, item.PatientPosition = 1, plan.patient_position
    return item


def _fraction_group(plan: IonPlan) -> Dataset:
    group = Dataset()
    group.FractionGroupNumber, group.NumberOfFractionsPlanned = 1, plan.fractions
    group.NumberOfBeams, group.NumberOfBrachyApplicationSetups = len(plan.beams), 0
    group.ReferencedBeamSequence = []
    for beam in plan.beams:
        item = Dataset()
        item.ReferencedBeamNumber, item.BeamMeterset = beam.number, decimal(beam.meterset)
        group.ReferencedBeamSequence.append(item)
    return group


def _beam(beam: IonBeam, unit: str) -> Dataset:
    """One beam; its dose was computed for spots that stand still, without what is given between them (C.8.8.25: STATIONARY)."""
    item = Dataset()
    item.BeamNumber, item.BeamName, item.BeamType, item.RadiationType = beam.number, beam.name, "DYNAMIC", "PROTON"
    item.ScanMode, item.TreatmentMachineName, item.PrimaryDosimeterUnit = "MODULATED", beam.machine, unit
    item.ModulatedScanModeType = "STATIONARY"
    item.TreatmentDeliveryType, item.PatientSupportType = "TREATMENT", "TABLE"
    item.VirtualSourceAxisDistances = [min(distance, PARALLEL_mm) for distance in beam.source_mm]
    for device in ABSENT:
        setattr(item, f"NumberOf{device}", 0)
    item.NumberOfRangeShifters, item.ReferencedPatientSetupNumber = int(beam.range_shifter is not None), 1
    if beam.range_shifter is not None:
        item.RangeShifterSequence = [_range_shifter(beam.range_shifter)]
    if beam.snout:
        item.SnoutSequence = [Dataset()]
        item.SnoutSequence[0].SnoutID = beam.snout
    item.FinalCumulativeMetersetWeight = decimal(beam.meterset)
    item.IonControlPointSequence = list(_control_points(beam))
    item.NumberOfControlPoints = len(item.IonControlPointSequence)
    return item


def _range_shifter(shifter: RangeShifter) -> Dataset:
    item = Dataset()
    item.RangeShifterNumber, item.RangeShifterID, item.RangeShifterType = 1, shifter.name, "BINARY"
    return item


def _shifter_setting(shifter: RangeShifter) -> Dataset:
    item = Dataset()
    item.ReferencedRangeShifterNumber, item.RangeShifterSetting = 1, "IN"
    if shifter.isocentre_mm is not None:
        item.IsocenterToRangeShifterDistance = shifter.isocentre_mm
    if shifter.water_mm is not None:
        item.RangeShifterWaterEquivalentThickness = shifter.water_mm
    return item


def _control_points(beam: IonBeam) -> Iterator[Dataset]:
    """For each layer the point at which it starts, with its spots, and the one at which it ends, without meterset."""
    given = 0.0
    for n, layer in enumerate(beam.layers):
        first = _control_point(2 * n, layer, layer.meterset.tolist(), given)
        if n == 0:
            _set_geometry(first, beam)
        given += float(layer.meterset.astype(np.float64).sum())
        yield first
        yield _control_point(2 * n + 1, layer, [0.0] * len(layer.meterset), given)


def _control_point(index: int, layer: IonLayer, meterset: list[float], given: float) -> Dataset:
    item = Dataset()
    item.ControlPointIndex, item.NominalBeamEnergy = index, decimal(layer.energy_MeV)
    item.CumulativeMetersetWeight = decimal(given)
    item.ScanSpotTuneID, item.NumberOfPaintings = layer.tune, 1
    item.NumberOfScanSpotPositions = len(layer.spots_mm)
    item.ScanSpotPositionMap, item.ScanSpotMetersetWeights = layer.spots_mm.ravel().tolist(), meterset
    if layer.fwhm_mm:
        item.ScanningSpotSize = list(layer.fwhm_mm)
    return item


def _set_geometry(point: Dataset, beam: IonBeam) -> None:
    """What holds for all control points of the beam stands in its first one."""
    point.GantryAngle, point.IsocenterPosition = decimal(beam.gantry_deg), [decimal(v) for v in beam.isocentre_mm]
    point.SnoutPosition = beam.snout_mm
    for keyword, fixed in _FIXED:
        setattr(point, keyword, fixed)
    if beam.range_shifter is not None:
        point.RangeShifterSettingsSequence = [_shifter_setting(beam.range_shifter)]
