"""De-identification on export: DICOM PS3.15 Annex E, basic profile, with structured content, descriptors and dates cleaned, not kept.

Stricter than the profile where it leaves attributes alone: what Table E.1-1 does not name stays only when its value can be shown to
tell nothing of a person (numbers, terms of the standard, codes of its dictionaries, pixel data). The file is built anew.
Not done: faces in pixels are not removed (PS3.15 E.3.2), and burned-in text is refused, not cleaned.
"""

from dataclasses import dataclass
from io import BytesIO
from typing import Any

import pydicom
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sr.codedict import codes
from pydicom.tag import BaseTag
from pydicom.uid import UID

from gemel.core.errors import InputError
from gemel.io import deidentify_values as values
from gemel.io.deidentify_pseudonyms import Pseudonyms, new_uid, pseudonym, shift_days
from gemel.io.deidentify_table import action, keyword, terms
from gemel.io.dicom_file import guarded, parse, text, uid
from gemel.io.dicom_frames import SAFE_PIXELS

METHOD = "gemel: PS3.15 2024b basic profile, stricter"
DEEPEST = 64
_PROFILE = (
    codes.DCM.BasicApplicationConfidentialityProfile,
    codes.DCM.CleanStructuredContentOption,
    codes.DCM.CleanDescriptorsOption,
    codes.DCM.RetainLongitudinalTemporalInformationModifiedDatesOption,
)  # CID 7050, PS3.16
_IDENTIFIERS = ("PatientID", "AccessionNumber", "StudyID", "OtherPatientIDs", "AdmissionID", "PatientTelephoneNumbers")


@dataclass(frozen=True)
class _Context:
    """Whose object it is, by whom it is replaced, and the numbers that would tell."""

    of: Pseudonyms
    name: str
    days: int
    secrets: frozenset[str]
    characteristics: bool
    where: str


def deidentify(data: bytes, of: Pseudonyms, *, where: str = "", characteristics: bool = False) -> bytes:
    """The bytes of a DICOM file without its person: pseudonym, UIDs replaced, dates shifted, everything else removed or proven harmless.

    `characteristics` keeps sex, size, weight and the age in classes of five years (Retain Patient Characteristics, PS3.15 E.3.7):
    standardised uptake values need the weight. Raises InputError for a damaged file, and for pixels that may show text.
    """
    source = parse(data, where)
    _require_clean_pixels(source, where)
    context = _context(source, of, where, characteristics)
    clean = _cleaned(source, context, 0)
    _mark(clean, context)
    clean.file_meta = _header(source, clean, where)
    buffer = BytesIO()
    guarded(lambda: pydicom.dcmwrite(buffer, clean, enforce_file_format=True), where)
    return buffer.getvalue()


def _context(source: Dataset, of: Pseudonyms, where: str, characteristics: bool) -> _Context:
    person = of.person or f"{text(source, 'PatientID', where)}\x1f{text(source, 'IssuerOfPatientID', where)}"
    if not person.strip("\x1f"):
        raise InputError("an object without PatientID", where=where, remedy="state whose it is: Pseudonyms(key, person)")
    told = {number for name in _IDENTIFIERS for number in text(source, name, where).split("\\")}
    secrets = frozenset(number for number in told if number.isdigit() and len(number) >= 6)
    return _Context(of, pseudonym(of, person), shift_days(of, person), secrets, characteristics, where)


def _cleaned(source: Dataset, context: _Context, depth: int) -> Dataset:
    """A new data set of what may stay, sequences and all."""
    if depth > DEEPEST:
        raise InputError(
            f"sequences nested deeper than {DEEPEST}", where=context.where, remedy="export it again, without private wrappings"
        )
    clean = Dataset()
    for tag in sorted(source.keys()):
        name, code = keyword(tag), action(tag)
        stays = context.characteristics and name in values.CHARACTERISTICS
        if tag.group <= 2 or (code == "X" and not stays) or not name:
            continue
        raw = source.get_item(tag)
        if name == "ContourData" and isinstance(raw, RawDataElement) and values.plain_numbers(raw.value or b"", context.secrets):
            clean[tag] = raw
        elif (element := _readable(source, tag, context)) is not None:
            _add(clean, element, _kept(source, element, code, context, depth), context)
    return clean


def _readable(source: Dataset, tag: BaseTag, context: _Context) -> DataElement | None:
    """The element, or None for one whose value cannot be read: it cannot be shown to be harmless."""
    try:
        found: DataElement = guarded(lambda: source[tag], context.where)
    except InputError:
        return None
    return found


def _add(clean: Dataset, element: DataElement, value: Any, context: _Context) -> None:
    if value is not None:
        guarded(lambda: clean.add_new(element.tag, element.VR, value), context.where)


def _kept(source: Dataset, element: DataElement, code: str, context: _Context, depth: int) -> Any:
    return _sequence(element, code, context, depth) if element.VR == "SQ" else _value(source, element, code, context)


def _sequence(element: DataElement, code: str, context: _Context, depth: int) -> list[Dataset] | None:
    """Items cleaned one by one where the profile asks for a dummy, for clean content or for new UIDs; emptied where it asks for Z."""
    if code in ("Z", "X/Z"):
        return []
    return [values.code(item) if _is_code(item) else _cleaned(item, context, depth + 1) for item in element.value]


def _is_code(item: Dataset) -> bool:
    return any(name in item for name in ("CodeValue", "LongCodeValue", "URNCodeValue", "CodeMeaning"))


def _value(source: Dataset, element: DataElement, code: str, context: _Context) -> Any:
    """What stays of a value, None for nothing."""
    name = keyword(BaseTag(element.tag))
    if name in ("PatientName", "PatientID"):
        return context.name
    if name in values.CHARACTERISTICS and context.characteristics:
        return values.characteristic(name, element, context.secrets)
    if name in terms().named:
        number = source.get("ROINumber", source.get("SegmentNumber", 0))
        return values.structure_name(element, number)
    if code == "U" or element.VR == "UI":
        return values.uids(element, context.of) or None
    if code == "C" or (not code and element.VR in ("DA", "DT", "TM")):
        return values.shifted(element, context.days) if element.VR in ("DA", "DT", "TM") else None
    if code.endswith("D"):
        return values.dummy(element.VR)
    if code:
        return ""
    if name == "TextValue":
        return values.REMOVED
    return values.proven(name, element, context.secrets)


def _mark(clean: Dataset, context: _Context) -> None:
    """Says what was done (PS3.3 C.7.1.1 and C.12.1.1), in the standard's codes of CID 7050."""
    clean.PatientName = clean.PatientID = context.name
    clean.PatientIdentityRemoved = "YES"
    clean.DeidentificationMethod = METHOD
    clean.LongitudinalTemporalInformationModified = "MODIFIED"
    items = []
    for concept in (*_PROFILE, *((codes.DCM.RetainPatientCharacteristicsOption,) if context.characteristics else ())):
        item = Dataset()
        item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = concept.value, concept.scheme_designator, concept.meaning[:64]
        items.append(item)
    clean.DeidentificationMethodCodeSequence = items


def _header(source: Dataset, clean: Dataset, where: str) -> FileMetaDataset:
    """A header of its own: preamble, private information and names of applications stay behind (PS3.10 §7.1)."""
    header = FileMetaDataset()
    header.TransferSyntaxUID = source.file_meta.TransferSyntaxUID
    header.MediaStorageSOPClassUID = UID(uid(clean, "SOPClassUID", where))
    header.MediaStorageSOPInstanceUID = UID(uid(clean, "SOPInstanceUID", where))
    return header


def _require_clean_pixels(source: Dataset, where: str) -> None:
    burned, kind = text(source, "BurnedInAnnotation", where), text(source, "Modality", where)
    shown = any(name in source for name in ("PixelData", "EncapsulatedDocument"))
    if burned == "YES" or (shown and burned != "NO" and kind not in SAFE_PIXELS):
        found = f"pixels of modality {kind or 'unknown'} that may show a person's name (BurnedInAnnotation {burned or 'not stated'})"
        raise InputError(found, where=where, remedy="look at it and set BurnedInAnnotation to NO, or leave it out")


__all__ = ["Pseudonyms", "deidentify", "new_uid"]
