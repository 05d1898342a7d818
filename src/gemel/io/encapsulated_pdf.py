"""A report for people, in any archive: an Encapsulated PDF, out and in. DICOM PS3.3 A.45.1, C.24.2."""

from pathlib import Path

from pydicom.sequence import Sequence
from pydicom.uid import EncapsulatedPDFStorage

from gemel.core.errors import InputError
from gemel.io.dicom_file import parse, require_class, serialise, text, value
from gemel.io.dicom_object import new_dataset, reference
from gemel.io.equipment import stated_maker
from gemel.io.files import read_bytes, write_atomic
from gemel.io.identity import Identity
from gemel.io.uids import content_uid

TYPE = "application/pdf"


def write_pdf_object(
    path: str | Path, pdf: bytes, identity: Identity, *, title: str, at: tuple[str, str], sources: tuple[tuple[str, str], ...] = ()
) -> str:
    """Write a PDF; returns the SOPInstanceUID, which follows from the content. Unverified.

    `at`: date and time that it speaks of (DA, TM); `sources`: the objects that it was made from (SOP class, UID). Raises InputError for
    bytes that are no PDF.
    """
    if not pdf.startswith(b"%PDF-"):
        raise InputError("bytes that are no PDF", where=str(path), remedy="give the bytes of a PDF file")
    content = content_uid("PDF", identity.patient_id, identity.study_uid, pdf, title, *at, repr(sources))
    dataset = new_dataset(EncapsulatedPDFStorage, "DOC", identity, content, frame="", description="report, research use")
    del dataset.FrameOfReferenceUID, dataset.PositionReferenceIndicator, dataset.OperatorsName
    dataset.ConversionType, dataset.BurnedInAnnotation = "WSD", "YES"
    dataset.ContentDate, dataset.ContentTime = at
    dataset.AcquisitionDateTime = "".join(at)
    dataset.ConceptNameCodeSequence, dataset.DocumentTitle = Sequence([]), title
    dataset.VerificationFlag, dataset.MIMETypeOfEncapsulatedDocument = "UNVERIFIED", TYPE
    if sources:
        dataset.SourceInstanceSequence = Sequence([reference(*source) for source in sources])
    dataset.EncapsulatedDocumentLength = len(pdf)
    dataset.EncapsulatedDocument = pdf + b"\0" * (len(pdf) % 2)
    write_atomic(path, serialise(stated_maker(dataset)))
    return content


def read_pdf_object(path: str | Path) -> tuple[str, bytes]:
    """Title and bytes of the PDF, without its padding. Raises InputError for another object or another type of document."""
    where = str(path)
    dataset = parse(read_bytes(Path(path)), where)
    require_class(dataset, EncapsulatedPDFStorage, where)
    held = bytes(value(dataset, "EncapsulatedDocument", where))
    length = dataset.get("EncapsulatedDocumentLength") or len(held)
    if not held.startswith(b"%PDF-") or not 0 < length <= len(held):
        raise InputError("a document that is no PDF", where=where, remedy="export the report again")
    return text(dataset, "DocumentTitle", where), held[:length]
