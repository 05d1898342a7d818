"""One injection and the doses it gave, as a Radiopharmaceutical Radiation Dose SR. DICOM PS3.16 TID 10021, 10022, 10023; PS3.3 A.35.14."""

from collections.abc import Sequence
from pathlib import Path

from pydicom.dataset import Dataset
from pydicom.uid import RadiopharmaceuticalRadiationDoseSRStorage

from gemel.core.errors import InputError
from gemel.core.page import Administration, OrganDose
from gemel.core.time import iso
from gemel.io import structured_report as sr
from gemel.io.anatomy import site
from gemel.io.dicom_file import serialise
from gemel.io.equipment import RESEARCH
from gemel.io.files import write_atomic
from gemel.io.identity import Identity
from gemel.io.structured_report import Code
from gemel.io.uids import content_uid

ISOTOPES: dict[str, Code] = {  # PS3.16 CID 18
    "Lu-177": ("447553000", "SCT", "^177^Lutetium"),
    "Y-90": ("14691008", "SCT", "^90^Yttrium"),
    "I-131": ("1368003", "SCT", "^131^Iodine"),
    "I-123": ("21572004", "SCT", "^123^Iodine"),
}
MBQ: Code = ("MBq", "UCUM", "MBq")
MGY: Code = ("mGy", "UCUM", "mGy")
GRAM: Code = ("g", "UCUM", "grams")
SECOND: Code = ("s", "UCUM", "seconds")


def write_radiopharmaceutical_sr(path: str | Path, given: Administration, identity: Identity, *, agent: str = "") -> str:
    """Write one injection; returns the SOPInstanceUID, which follows from the content. Never verified.

    What the record does not hold is said to be unknown: the agent (when empty), the site of the vein.
    Raises InputError for an activity or half-life that is not positive.
    """
    if not (given.activity_MBq > 0 and given.half_life_s > 0):
        found = f"{given.activity_MBq:g} MBq with a half-life of {given.half_life_s:g} s"
        raise InputError(found, where=str(path), remedy="state what was injected")
    content = content_uid("RRDSR", identity.patient_id, repr(given), agent)
    root = sr.container(
        ("113500", "DCM", "Radiopharmaceutical Radiation Dose Report"),
        [*_procedure(), _administration(given, identity, agent), sr.words(sr.COMMENT, RESEARCH)],
        template="10021",
    )
    document = sr.document(RadiopharmaceuticalRadiationDoseSRStorage, identity, content, root, at=da_tm(given.given_s))
    write_atomic(path, serialise(document))
    return content


def event_uid(given: Administration, identity: Identity) -> str:
    """The UID of an injection: the same in every report of it."""
    return content_uid("administration", identity.patient_id, given.nuclide, repr(given.given_s), repr(given.activity_MBq))


def isotope(nuclide: str) -> Code:
    """The code of a nuclide; a private one where CID 18 has none."""
    return ISOTOPES.get(nuclide, (nuclide, "99GEMEL", nuclide))


def da_tm(t_s: float) -> tuple[str, str]:
    """DICOM date and time of a second."""
    day, _, time = iso(t_s).rstrip("Z").partition("T")
    return day.replace("-", ""), time.replace(":", "")


def _procedure() -> list[Dataset]:
    intent = sr.code(("363703001", "SCT", "Has Intent"), ("262202000", "SCT", "Therapeutic Intent"), relation="HAS CONCEPT MOD")
    therapy: Code = ("399315003", "SCT", "Radionuclide therapy")
    return [sr.code(("363589002", "SCT", "Associated Procedure"), therapy, relation="HAS CONCEPT MOD", items=[intent]), sr.language()]


def _administration(given: Administration, identity: Identity, agent: str) -> Dataset:
    properties = [
        sr.code(("89457008", "SCT", "Radionuclide"), isotope(given.nuclide), relation="HAS PROPERTIES"),
        sr.number(("304283002", "SCT", "Radionuclide Half Life"), given.half_life_s, SECOND, relation="HAS PROPERTIES"),
    ]
    named: Code = ("agent", "99GEMEL", (agent or f"{given.nuclide} agent, not stated")[:64])
    vein = sr.code(("272737002", "SCT", "Site of"), ("261665006", "SCT", "Unknown"), relation="HAS PROPERTIES")
    items = [
        sr.code(("349358000", "SCT", "Radiopharmaceutical agent"), named, items=properties),
        sr.uid(("113503", "DCM", "Radiopharmaceutical Administration Event UID"), event_uid(given, identity)),
        sr.moment(("123003", "DCM", "Radiopharmaceutical Start DateTime"), "".join(da_tm(given.given_s))),
        sr.number(("113507", "DCM", "Administered activity"), given.activity_MBq, MBQ),
        *organs(given.doses),
        sr.code(("410675002", "SCT", "Route of administration"), ("47625008", "SCT", "Intravenous route"), items=[vein]),
    ]
    return sr.container(("113502", "DCM", "Radiopharmaceutical Administration"), items)


def organs(doses: Sequence[OrganDose]) -> list[Dataset]:
    """Organ doses (TID 10023)."""
    return [_organ(dose) for dose in doses]


def _organ(dose: OrganDose) -> Dataset:
    method = sr.words(
        ("370129005", "SCT", "Measurement Method"), "contour, volume times density of soft tissue", relation="HAS CONCEPT MOD"
    )
    authority = sr.words(
        ("121406", "DCM", "Reference Authority"), f"{dose.method}: {dose.low_Gy:.3g} to {dose.high_Gy:.3g} Gy", relation="HAS PROPERTIES"
    )
    mass, organ_dose = _number(("118538004", "SCT", "Mass"), dose.mass_g), _number(("113518", "DCM", "Organ Dose"), 1000 * dose.dose_Gy)
    items = [*where(dose), sr.number(*mass, GRAM, items=[method]), sr.number(*organ_dose, MGY, items=[authority])]
    return sr.container(("113517", "DCM", "Organ Dose Information"), items)


def where(dose: OrganDose) -> list[Dataset]:
    """Which organ, and which side."""
    codes = site("_".join(filter(None, (dose.site, dose.side))))
    found = [sr.code(("363698007", "SCT", "Finding Site"), _code(codes.kind), relation="HAS CONCEPT MOD")]
    if codes.side is not None:
        found.append(sr.code(("272741003", "SCT", "Laterality"), _code(codes.side), relation="HAS CONCEPT MOD"))
    return found


def _number(name: Code, value: float) -> tuple[Code, float]:
    return name, float(f"{value:.6g}")


def _code(item: Dataset) -> Code:
    return str(item.CodeValue), str(item.CodingSchemeDesignator), str(item.CodeMeaning)
