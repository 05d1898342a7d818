"""Content items of structured reports, and the document around them. DICOM PS3.3 C.17.3, C.17.2."""

from collections.abc import Sequence as Items

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import UID

from gemel.io.dicom_object import coded, decimal, new_dataset, reference
from gemel.io.equipment import stated_maker
from gemel.io.identity import Identity

Code = tuple[str, str, str]
"""Value, scheme, meaning."""
LANGUAGE: Code = ("121049", "DCM", "Language of Content Item and Descendants")
COMMENT: Code = ("121106", "DCM", "Comment")


def container(name: Code, items: Items[Dataset], *, relation: str = "CONTAINS", template: str = "") -> Dataset:
    """Items under a heading; `template` is the TID of a root (PS3.3 C.18.8)."""
    found = _item("CONTAINER", name, relation)
    found.ContinuityOfContent = "SEPARATE"
    if template:
        mapping = Dataset()
        mapping.MappingResource, mapping.TemplateIdentifier = "DCMR", template
        found.ContentTemplateSequence = Sequence([mapping])
    found.ContentSequence = Sequence(list(items))
    return found


def code(name: Code, value: Code, *, relation: str = "CONTAINS", items: Items[Dataset] = ()) -> Dataset:
    """A coded value, with properties or modifiers of its own."""
    found = _item("CODE", name, relation, items)
    found.ConceptCodeSequence = Sequence([coded(*value)])
    return found


def number(name: Code, value: float, unit: Code, *, relation: str = "CONTAINS", items: Items[Dataset] = ()) -> Dataset:
    """A number with its UCUM unit."""
    found, measured = _item("NUM", name, relation, items), Dataset()
    measured.NumericValue, measured.MeasurementUnitsCodeSequence = decimal(value), Sequence([coded(*unit)])
    found.MeasuredValueSequence = Sequence([measured])
    return found


def words(name: Code, value: str, *, relation: str = "CONTAINS") -> Dataset:
    """Text."""
    found = _item("TEXT", name, relation)
    found.TextValue = value
    return found


def uid(name: Code, value: str, *, relation: str = "CONTAINS") -> Dataset:
    """A UID."""
    found = _item("UIDREF", name, relation)
    found.UID = UID(value)
    return found


def moment(name: Code, value: str, *, relation: str = "CONTAINS") -> Dataset:
    """A DICOM date and time."""
    found = _item("DATETIME", name, relation)
    found.DateTime = value
    return found


def composite(name: Code, sop_class: str, sop_uid: str, *, relation: str = "CONTAINS") -> Dataset:
    """Another object."""
    found = _item("COMPOSITE", name, relation)
    found.ReferencedSOPSequence = Sequence([reference(sop_class, sop_uid)])
    return found


def language() -> Dataset:
    """English (TID 1204)."""
    return code(LANGUAGE, ("en", "RFC5646", "English"), relation="HAS CONCEPT MOD")


def observer(name: str, device_uid: str) -> list[Dataset]:
    """The device that reports (TID 1002, 1004)."""
    device: Code = ("121007", "DCM", "Device")
    context = "HAS OBS CONTEXT"
    return [
        code(("121005", "DCM", "Observer Type"), device, relation=context),
        uid(("121012", "DCM", "Device Observer UID"), device_uid, relation=context),
        words(("121013", "DCM", "Device Observer Name"), name, relation=context),
    ]


def document(sop_class: str, identity: Identity, sop_uid: str, root: Dataset, *, at: tuple[str, str]) -> Dataset:
    """A report around its root, partial, unverified, with the date and time that it speaks of (DA, TM)."""
    found = new_dataset(sop_class, "SR", identity, sop_uid, frame=identity.frame_uid)
    del found.FrameOfReferenceUID, found.PositionReferenceIndicator, found.OperatorsName
    stated_maker(found)
    found.ContentDate, found.ContentTime = at
    found.CompletionFlag, found.VerificationFlag, found.PreliminaryFlag = "PARTIAL", "UNVERIFIED", "PRELIMINARY"
    found.ReferencedPerformedProcedureStepSequence, found.PerformedProcedureCodeSequence = Sequence([]), Sequence([])
    for element in root:
        if element.keyword != "RelationshipType":
            found[element.tag] = element
    return found


def evidence(identity: Identity, objects: Items[tuple[str, str]]) -> Sequence:
    """The objects that a report rests on, (class, UID), all of one study (PS3.3 C.17.2.3)."""
    study, series = Dataset(), []
    for sop_class, sop_uid in objects:
        one = Dataset()
        one.SeriesInstanceUID, one.ReferencedSOPSequence = series_of(sop_uid), Sequence([reference(sop_class, sop_uid)])
        series.append(one)
    study.StudyInstanceUID, study.ReferencedSeriesSequence = study_of(identity), Sequence(series)
    return Sequence([study])


def evidence_in(objects: Items[tuple[str, str, str, str]]) -> Sequence:
    """The objects that a report rests on, (class, UID, series, study), of any study (PS3.3 C.17.2.3)."""
    studies: dict[str, dict[str, list[Dataset]]] = {}
    for sop_class, sop_uid, series, study in objects:
        studies.setdefault(study, {}).setdefault(series, []).append(reference(sop_class, sop_uid))
    found = []
    for study, held in studies.items():
        item, rows = Dataset(), []
        for series, references in held.items():
            row = Dataset()
            row.SeriesInstanceUID, row.ReferencedSOPSequence = UID(series), Sequence(references)
            rows.append(row)
        item.StudyInstanceUID, item.ReferencedSeriesSequence = UID(study), Sequence(rows)
        found.append(item)
    return Sequence(found)


def series_of(sop_uid: str) -> UID:
    """The series that an object of gemel is alone in."""
    return UID(new_dataset("1.2", "OT", Identity("x"), sop_uid, frame="").SeriesInstanceUID)


def study_of(identity: Identity) -> UID:
    """The study that objects of this identity belong to."""
    return UID(new_dataset("1.2", "OT", identity, "1.2", frame="").StudyInstanceUID)


def _item(kind: str, name: Code, relation: str, items: Items[Dataset] = ()) -> Dataset:
    found = Dataset()
    found.RelationshipType, found.ValueType = relation, kind
    found.ConceptNameCodeSequence = Sequence([coded(*name)])
    if items:
        found.ContentSequence = Sequence(list(items))
    return found
