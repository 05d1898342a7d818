"""What a twin expects, as numbers with their uncertainty: a Measurement Report. DICOM PS3.16 TID 1500, 1501, 300, 310; PS3.3 A.35.3."""

from collections.abc import Sequence as Items
from dataclasses import dataclass
from pathlib import Path

from pydicom.dataset import Dataset
from pydicom.uid import ComprehensiveSRStorage

from gemel.core.errors import InputError
from gemel.io import structured_report as sr
from gemel.io.dicom_file import items, parse, require_class, serialise, value
from gemel.io.equipment import RESEARCH
from gemel.io.files import read_bytes, write_atomic
from gemel.io.identity import Identity
from gemel.io.interval import Interval
from gemel.io.uids import content_uid

MEDIAN: sr.Code = ("373099004", "SCT", "Median")
UPPER: sr.Code = ("371886008", "SCT", "+, range of upper measurement uncertainty")
LOWER: sr.Code = ("371885007", "SCT", "-, range of lower measurement uncertainty")
METHOD: sr.Code = ("370129005", "SCT", "Measurement Method")
DRAWS: sr.Code = ("INTERVAL90", "99GEMEL", "Median and central 90 % interval of the draws of a twin")
SHORT, LONG = 16, 64


@dataclass(frozen=True)
class Group:
    """Numbers under one heading, of one finding or plan; `what` in a few words."""

    name: str
    what: str
    measured: tuple[Interval, ...]


@dataclass(frozen=True)
class Grounds:
    """What a report rests on: objects of series (SOP class, UID, series, study), when it speaks (DA, TM), and remarks."""

    at: tuple[str, str]
    images: tuple[tuple[str, str, str, str], ...] = ()
    remarks: tuple[str, ...] = ()


def write_measurements(path: str | Path, groups: Items[Group], identity: Identity, grounds: Grounds) -> str:
    """Write the groups; returns the SOPInstanceUID, which follows from the content. Never verified.

    Each number has its median as value, and its distances to the limits of the 90 % interval as upper and lower uncertainty (TID 310).
    Raises InputError without a number.
    """
    if not any(group.measured for group in groups):
        raise InputError("a report without a number", where=str(path), remedy="give what the twin expects or what a plan gives")
    content = content_uid("TID1500", identity.patient_id, identity.study_uid, repr(tuple(groups)), repr(grounds))
    root = sr.container(
        ("126000", "DCM", "Imaging Measurement Report"),
        [
            sr.language(),
            *sr.observer("gemel", content_uid("device", "gemel")),
            sr.code(
                ("121058", "DCM", "Procedure reported"),
                ("99GEMEL-TWIN", "99GEMEL", "Forecast of a digital twin"),
                relation="HAS CONCEPT MOD",
            ),
            sr.container(("126010", "DCM", "Imaging Measurements"), [_group(group, content) for group in groups if group.measured]),
            *(sr.words(sr.COMMENT, words) for words in (*grounds.remarks, RESEARCH)),
        ],
        template="1500",
    )
    document = sr.document(ComprehensiveSRStorage, identity, content, root, at=grounds.at)
    document.SeriesDescription = "twin measurements, research use"
    if grounds.images:
        document.CurrentRequestedProcedureEvidenceSequence = sr.evidence_in(grounds.images)
    document.CompletionFlagDescription = RESEARCH[:LONG]
    write_atomic(path, serialise(document))
    return content


def _group(group: Group, content: str) -> Dataset:
    context = [
        sr.words(("112039", "DCM", "Tracking Identifier"), group.name, relation="HAS OBS CONTEXT"),
        sr.uid(("112040", "DCM", "Tracking Unique Identifier"), content_uid("group", content, group.name), relation="HAS OBS CONTEXT"),
        sr.code(("121071", "DCM", "Finding"), private(group.what)),
    ]
    return sr.container(("125007", "DCM", "Measurement Group"), [*context, *(_number(one) for one in group.measured)])


def _number(one: Interval) -> Dataset:
    unit: sr.Code = (one.ucum, "UCUM", one.ucum if one.ucum != "1" else "no units")
    properties = "HAS PROPERTIES"
    return sr.number(
        private(one.name),
        one.median,
        unit,
        items=[
            sr.code(METHOD, DRAWS, relation="HAS CONCEPT MOD"),
            sr.code(("121401", "DCM", "Derivation"), MEDIAN, relation="HAS CONCEPT MOD"),
            sr.number(UPPER, one.high - one.median, unit, relation=properties),
            sr.number(LOWER, one.median - one.low, unit, relation=properties),
        ],
    )


def private(words: str) -> sr.Code:
    """A code of gemel's own scheme: the words where they are short enough for one (VR SH), else a digest of them."""
    value = words if len(words) <= SHORT and "\\" not in words else content_uid("code", words)[-SHORT:]
    return value, "99GEMEL", words[:LONG]


def read_measurements(path: str | Path) -> tuple[Group, ...]:
    """Groups, and their numbers with a median and an interval, of a Measurement Report by gemel or another: others are left out."""
    where = str(path)
    dataset = parse(read_bytes(Path(path)), where)
    require_class(dataset, ComprehensiveSRStorage, where)
    parts = [item for item in items(dataset, "ContentSequence", where) if _named(item) == "126010"]
    return tuple(_read_group(item, where) for part in parts for item in items(part, "ContentSequence", where) if _named(item) == "125007")


def _read_group(item: Dataset, where: str) -> Group:
    rows = items(item, "ContentSequence", where)
    name = next((str(row.TextValue) for row in rows if _named(row) == "112039"), "")
    what = next((str(row.ConceptCodeSequence[0].CodeMeaning) for row in rows if _named(row) == "121071"), "")
    numbers = [_read_number(row, where) for row in rows if row.get("ValueType") == "NUM"]
    return Group(name, what, tuple(number for number in numbers if number is not None))


def _read_number(row: Dataset, where: str) -> Interval | None:
    beside = {_named(item): item for item in items(row, "ContentSequence", where)}
    if UPPER[0] not in beside or LOWER[0] not in beside:
        return None
    median, up, down = (
        float(value(one, "MeasuredValueSequence", where)[0].NumericValue) for one in (row, beside[UPPER[0]], beside[LOWER[0]])
    )
    unit = str(row.MeasuredValueSequence[0].MeasurementUnitsCodeSequence[0].CodeValue)
    return Interval(str(row.ConceptNameCodeSequence[0].CodeMeaning), unit, median, median - down, median + up)


def _named(item: Dataset) -> str:
    found = item.get("ConceptNameCodeSequence")
    return str(found[0].get("CodeValue", "")) if found else ""
