"""Doses of all injections together, as a Patient Radiation Dose SR. DICOM PS3.16 TID 10030, 10031, 10033; PS3.3 A.35.18."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydicom.dataset import Dataset
from pydicom.uid import PatientRadiationDoseSRStorage, RadiopharmaceuticalRadiationDoseSRStorage, RTDoseStorage, SegmentationStorage

from gemel.core.errors import InputError
from gemel.core.page import OrganDose
from gemel.io import structured_report as sr
from gemel.io.dicom_file import serialise
from gemel.io.equipment import RESEARCH
from gemel.io.files import write_atomic
from gemel.io.identity import Identity
from gemel.io.radiation_sr import MGY, da_tm, where
from gemel.io.uids import content_uid


@dataclass(frozen=True)
class Basis:
    """What the doses rest on, by SOP Instance UID: the reports of the injections, the segmentation (the patient's model), the dose map."""

    administrations: tuple[str, ...]
    segmentation: str
    dose: str


def write_patient_dose_sr(path: str | Path, doses: Sequence[OrganDose], basis: Basis, identity: Identity, *, at_s: float) -> str:
    """Write mean absorbed doses with their limits of 90 %; returns the SOPInstanceUID, which follows from the content. Never verified.

    Raises InputError without a dose, or without the report of an injection that they come from.
    """
    if not doses or not basis.administrations:
        found = f"{len(doses)} organ doses of {len(basis.administrations)} injections"
        raise InputError(found, where=str(path), remedy="give the doses and the reports of the injections that gave them")
    content = content_uid("PRDSR", identity.patient_id, repr(tuple(doses)), repr(basis), repr(at_s))
    name = sr.words(("128403", "DCM", "Radiation Dose Estimate Name"), "mean absorbed dose of organs by radionuclide therapy, all cycles")
    estimate = sr.container(
        ("128402", "DCM", "Radiation Dose Estimate"), [name, *(_dose(dose) for dose in doses), _representation(basis), _methodology(basis)]
    )
    root = sr.container(
        ("128401", "DCM", "Patient Radiation Dose Report"),
        [sr.language(), *sr.observer("gemel", content_uid("device", "gemel")), estimate, sr.words(sr.COMMENT, RESEARCH)],
        template="10030",
    )
    document = sr.document(PatientRadiationDoseSRStorage, identity, content, root, at=da_tm(at_s))
    document.CurrentRequestedProcedureEvidenceSequence = sr.evidence(identity, _objects(basis))
    write_atomic(path, serialise(document))
    return content


def _dose(dose: OrganDose) -> Dataset:
    """One organ: the median, and what lies below and above it with 90 % (PS3.16 CID 10061)."""
    bounds = [
        _bound("lower bound of the 90 % interval", dose.low_Gy),
        _bound("upper bound of the 90 % interval", dose.high_Gy),
    ]
    return sr.number(("128533", "DCM", "Mean Absorbed Radiation Dose"), _mGy(dose.dose_Gy), MGY, items=[*where(dose), *bounds])


def _bound(name: str, dose_Gy: float) -> Dataset:
    return sr.number((name.partition(" ")[0], "99GEMEL", name), _mGy(dose_Gy), MGY, relation="HAS PROPERTIES")


def _representation(basis: Basis) -> Dataset:
    """The dose map."""
    kind = sr.code(("128413", "DCM", "Distribution Representation"), ("128487", "DCM", "3D Dose Map"))
    data = sr.composite(("128414", "DCM", "Radiation Dose Representation Data"), RTDoseStorage, basis.dose)
    return sr.container(("128412", "DCM", "Radiation Dose Estimate Representation"), [kind, data])


def _methodology(basis: Basis) -> Dataset:
    """From what, with which model of the patient and of transport (TID 10033)."""
    used = [
        sr.composite(("128416", "DCM", "SR Instance Used"), RadiopharmaceuticalRadiationDoseSRStorage, one) for one in basis.administrations
    ]
    model = [
        sr.code(("128417", "DCM", "Patient Model Type"), ("128494", "DCM", "Patient Segmented Model")),
        sr.code(("128420", "DCM", "Radiation Transport Model Type"), ("128421", "DCM", "Geometric Radiation Transport Model")),
        sr.composite(("128425", "DCM", "Patient Radiation Dose Model Data"), SegmentationStorage, basis.segmentation),
        sr.container(("128427", "DCM", "Patient Model Demographics"), [sr.words(sr.COMMENT, "the patient's own contours")]),
    ]
    kind = sr.code(("128477", "DCM", "Radiation Dose Estimate Method Type"), ("128480", "DCM", "Analytical Algorithm"))
    method = sr.container(("128476", "DCM", "Radiation Dose Estimate Method"), [kind])
    patient = sr.container(("128500", "DCM", "Patient Radiation Dose Model"), model)
    return sr.container(("128415", "DCM", "Radiation Dose Estimate Methodology"), [*used, patient, method])


def _objects(basis: Basis) -> list[tuple[str, str]]:
    reports = [(str(RadiopharmaceuticalRadiationDoseSRStorage), one) for one in basis.administrations]
    return [*reports, (str(SegmentationStorage), basis.segmentation), (str(RTDoseStorage), basis.dose)]


def _mGy(dose_Gy: float) -> float:
    return float(f"{1000 * dose_Gy:.6g}")
