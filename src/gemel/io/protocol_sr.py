"""A recommended CT protocol as an Enhanced SR: settings, predicted dose and detectability with what it rests on. DICOM PS3.3 A.35.2."""

from dataclasses import dataclass
from pathlib import Path

from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage, EnhancedSRStorage

from gemel.core.errors import InputError
from gemel.io import structured_report as sr
from gemel.io.dicom_file import serialise
from gemel.io.equipment import RESEARCH
from gemel.io.files import write_atomic
from gemel.io.identity import Identity
from gemel.io.radiation_sr import MGY, da_tm
from gemel.io.uids import content_uid

ONE: sr.Code = ("1", "UCUM", "no units")
KV: sr.Code = ("kV", "UCUM", "kV")
MAS: sr.Code = ("mA.s", "UCUM", "mA.s")
MM: sr.Code = ("mm", "UCUM", "mm")
RATIO: sr.Code = ("{ratio}", "UCUM", "ratio")
PERCENT: sr.Code = ("%", "UCUM", "Percent")
PITCH: sr.Code = ("113828", "DCM", "Pitch Factor")
SIZED: sr.Code = ("113930", "DCM", "Size Specific Dose Estimate")
WIDTH: sr.Code = ("113980", "DCM", "Water Equivalent Diameter")
DETECTABILITY: sr.Code = ("DPRIME", "99GEMEL", "Detectability index of a model observer")
CHANCE: sr.Code = ("PDPRIME", "99GEMEL", "Probability that the detectability index reaches its target")
CONCEPT: sr.Code = ("CTPROTOCOL", "99GEMEL", "CT protocol recommendation")


@dataclass(frozen=True)
class Advice:
    """What is recommended (an SSDE outside its data is None), for which task, and by which model of which scanner, in words."""

    kVp: float
    mAs: float
    pitch: float
    slice_mm: float
    others: str
    ctdivol_mGy: float
    ssde_mGy: float | None
    diameter_cm: float
    detectability: float
    low: float
    high: float
    probability_pct: float
    task: str
    reason: str
    scanner: str


def write_protocol_sr(path: str | Path, advice: Advice, identity: Identity, images: tuple[str, ...], *, at_s: float) -> str:
    """Write the advice, which rests on `images` (SOP Instance UIDs of the earlier CT); returns the SOPInstanceUID, made of the content.

    Never verified. Raises InputError without an image that it rests on.
    """
    if not images:
        raise InputError("advice that rests on no image", where=str(path), remedy="name the CT images that it was computed on")
    content = content_uid("CTPROTOCOL", identity.patient_id, repr(advice), *images, repr(at_s))
    root = sr.container(
        CONCEPT,
        [
            sr.language(),
            *sr.observer("gemel", content_uid("device", "gemel")),
            sr.container(("121075", "DCM", "Recommendation"), [*_settings(advice), sr.words(sr.COMMENT, advice.reason)]),
            sr.container(("121070", "DCM", "Findings"), _predicted(advice)),
            sr.words(sr.COMMENT, f"Task: {advice.task}. Model: {advice.scanner}. {RESEARCH}"),
        ],
    )
    document = sr.document(EnhancedSRStorage, identity, content, root, at=da_tm(at_s))
    document.CurrentRequestedProcedureEvidenceSequence = sr.evidence(identity, [(CTImageStorage, uid) for uid in images])
    write_atomic(path, serialise(document))
    return content


def _settings(advice: Advice) -> list[Dataset]:
    return [
        sr.number(("113733", "DCM", "KVP"), advice.kVp, KV),
        sr.number(("113736", "DCM", "Exposure"), advice.mAs, MAS),
        sr.number(PITCH, advice.pitch, RATIO),
        sr.number(("112225", "DCM", "Slice Thickness"), advice.slice_mm, MM),
        sr.words(("121071", "DCM", "Finding"), advice.others),
    ]


def _predicted(advice: Advice) -> list[Dataset]:
    bounds = [sr.number(DETECTABILITY, value, ONE, relation="HAS PROPERTIES") for value in (advice.low, advice.high)]
    found = [
        sr.number(("113830", "DCM", "Mean CTDIvol"), advice.ctdivol_mGy, MGY),
        sr.number(WIDTH, 10 * advice.diameter_cm, MM),
        sr.number(DETECTABILITY, advice.detectability, ONE, items=bounds),
        sr.number(CHANCE, advice.probability_pct, PERCENT),
    ]
    return found if advice.ssde_mGy is None else [*found, sr.number(SIZED, advice.ssde_mGy, MGY)]
