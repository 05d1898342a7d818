"""Nuclide, injection and clock of a nuclear-medicine object: read from the header, or stated by the user where the header is silent."""

import math
import re
from dataclasses import dataclass

from pydicom.dataset import Dataset

from gemel.core.activity import Correction, MOST_MBq
from gemel.core.errors import InputError, RangeError, UnitError
from gemel.core.time import seconds
from gemel.io.dicom_file import items, numbers, text
from gemel.io.dicom_header import dicom_moment

_ELEMENTS = {
    "actinium": "Ac", "americium": "Am", "antimony": "Sb", "arsenic": "As", "astatine": "At", "barium": "Ba", "bismuth": "Bi",
    "bromine": "Br", "caesium": "Cs", "calcium": "Ca", "carbon": "C", "cerium": "Ce", "cesium": "Cs", "chromium": "Cr", "cobalt": "Co",
    "copper": "Cu", "dysprosium": "Dy", "erbium": "Er", "fluorine": "F", "gadolinium": "Gd", "gallium": "Ga", "germanium": "Ge",
    "gold": "Au", "holmium": "Ho", "indium": "In", "iodine": "I", "iridium": "Ir", "iron": "Fe", "krypton": "Kr", "lanthanum": "La",
    "lead": "Pb", "lutetium": "Lu", "manganese": "Mn", "mercury": "Hg", "neptunium": "Np", "nitrogen": "N", "oxygen": "O",
    "palladium": "Pd", "phosphorus": "P", "platinum": "Pt", "praseodymium": "Pr", "promethium": "Pm", "radium": "Ra", "rhenium": "Re",
    "rhodium": "Rh", "rubidium": "Rb", "ruthenium": "Ru", "samarium": "Sm", "scandium": "Sc", "selenium": "Se", "silver": "Ag",
    "sodium": "Na", "strontium": "Sr", "tantalum": "Ta", "technetium": "Tc", "terbium": "Tb", "thallium": "Tl", "thorium": "Th",
    "thulium": "Tm", "tin": "Sn", "titanium": "Ti", "tungsten": "W", "uranium": "U", "xenon": "Xe", "ytterbium": "Yb", "yttrium": "Y",
    "zinc": "Zn", "zirconium": "Zr",
}  # fmt: skip
_SYMBOLS = set(_ELEMENTS.values())


@dataclass(frozen=True)
class Stated:
    """What the user states in place of a tag that is missing or wrong; it goes before the header. Empty and NaN: not stated.

    `where_silent`: nuclide and injection go behind the header, and stand in only for what it lacks.

    Command line: --nuclide, --injected, --injected-MBq, --duration-s, --decay-corrected-to, --Bq-mL-per-unit.
    """

    nuclide: str = ""
    injected: str = ""  # ISO 8601, on the scanner's clock
    injected_MBq: float = math.nan
    acquired: str = ""  # ISO 8601
    duration_s: float = math.nan
    decay_corrected_to: Correction | None = None
    Bq_mL_per_unit: float = math.nan  # concentration of one unit of the voxel values
    where_silent: bool = False

    def __post_init__(self) -> None:
        if self.Bq_mL_per_unit <= 0:
            raise UnitError(f"a factor of {self.Bq_mL_per_unit:g} Bq/mL a unit", where="Stated", remedy="give --Bq-mL-per-unit above 0")


NOTHING_STATED = Stated()


def moment_s(written: str, name: str, where: str) -> float:
    """Seconds of a date with its time of day. Raises InputError for a date alone: midnight would be a guess."""
    if not re.search(r"\d[T ]\d", written):
        remedy = f"write {name} as 2026-01-31T09:00 (ISO 8601)"
        raise InputError(f"{name} = {written!r}, no date with a time of day", where=where, remedy=remedy)
    return seconds(written)


def nuclide_name(written: str, where: str) -> str:
    """`Lu-177` of `177Lu`, `Lu177`, `lu-177`, `Lutetium 177`, `^177^Lutetium`. Raises InputError for what is no nuclide."""
    plain = written.replace("^", " ").replace("-", " ").replace("[", " ").replace("]", " ").strip()
    match = re.fullmatch(r"(\d{1,3}m?)\s*([A-Za-z]+)", plain) or re.fullmatch(r"([A-Za-z]+?)\s*(\d{1,3}m?)", plain)
    if match:
        a, b = match.groups()
        mass, word = (a, b) if a[0].isdigit() else (b, a)
        symbol = _ELEMENTS.get(word.lower(), word.capitalize())
        if symbol in _SYMBOLS:
            return f"{symbol}-{mass}"
    raise InputError(
        f"an unknown nuclide {written!r}", where=where, remedy="state it as Lu-177: --nuclide, or TracerRadionuclide in the sidecar"
    )


def radiopharmaceutical(dataset: Dataset, where: str) -> Dataset:
    """The one item of RadiopharmaceuticalInformationSequence (PS3.3 C.8.4.10, C.8.9.2), empty when there is none."""
    found = items(dataset, "RadiopharmaceuticalInformationSequence", where)
    if len(found) > 1:
        raise InputError(f"{len(found)} radiopharmaceuticals in one image", where=where, remedy="export the image of one nuclide")
    return found[0] if found else Dataset()


def nuclide_of(dataset: Dataset, stated: Stated, where: str) -> str:
    """The nuclide stated, else the code meaning of RadionuclideCodeSequence."""
    codes = items(radiopharmaceutical(dataset, where), "RadionuclideCodeSequence", where)
    own = text(codes[0], "CodeMeaning", where) if codes else ""
    written = (own or stated.nuclide) if stated.where_silent else (stated.nuclide or own)
    if not written:
        remedy = "state it: --nuclide Lu-177, or TracerRadionuclide in the sidecar"
        raise InputError("no nuclide (RadionuclideCodeSequence)", where=where, remedy=remedy)
    return nuclide_name(written, where)


def injected_at_s(dataset: Dataset, acquired_s: float, stated: Stated, where: str) -> float:
    """Time of injection: stated, else RadiopharmaceuticalStartDateTime, else RadiopharmaceuticalStartTime on the day of the scan.

    Raises InputError when none is there, and for a time of day alone in an NM object (scans of therapy are days later, and PS3.3 C.8.4.10
    has no rule for its day as C.8.9.2 has for PET) or after the scan: the day is then unknown and not guessed.
    """
    item = radiopharmaceutical(dataset, where)
    moment, clock = (text(item, f"RadiopharmaceuticalStart{name}", where) for name in ("DateTime", "Time"))
    undated = bool(clock and not moment) and text(dataset, "Modality", where) == "NM"
    if stated.injected and not (stated.where_silent and (moment or clock) and not undated):
        return moment_s(stated.injected, "--injected", "what was stated")
    if moment:
        return seconds(dicom_moment(moment[:8], re.split("[+-]", moment[8:])[0], where))
    remedy = "state it: --injected 2026-01-31T09:00, or InjectionDateTime in the sidecar"
    if not clock:
        raise InputError("no time of injection (RadiopharmaceuticalStartDateTime)", where=where, remedy=remedy)
    if undated:
        raise InputError(f"an injection at {clock} without a date (RadiopharmaceuticalStartTime)", where=where, remedy=remedy)
    day_s = acquired_s - acquired_s % 86400.0
    clock_s = seconds(dicom_moment("19700101", clock, where))
    if day_s + clock_s > acquired_s:
        raise InputError(f"an injection at {clock} without a date, later in the day than the scan", where=where, remedy=remedy)
    return day_s + clock_s


def injected_MBq(dataset: Dataset, stated: Stated, where: str, *, per_MBq: float) -> float:
    """RadionuclideTotalDose, which NM writes in MBq (PS3.3 C.8.4.10.1.7) and PET in Bq (C.8.9.2): `per_MBq` 1 or 1e6.

    Raises RangeError above MOST_MBq: the writer took the other module's unit.
    """
    item = radiopharmaceutical(dataset, where)
    if math.isfinite(stated.injected_MBq) and not (stated.where_silent and "RadionuclideTotalDose" in item):
        return stated.injected_MBq
    remedy = "state it: --injected-MBq 7400, or InjectedRadioactivity in the sidecar"
    if "RadionuclideTotalDose" not in item:
        raise InputError("no injected activity (RadionuclideTotalDose)", where=where, remedy=remedy)
    given = float(numbers(item, "RadionuclideTotalDose", 1, where)[0]) / per_MBq
    if not 1e-3 < given < MOST_MBq:
        raise RangeError(f"an injected activity of {given:g} MBq; NM states MBq and PET states Bq", where=where, remedy=remedy)
    return given
