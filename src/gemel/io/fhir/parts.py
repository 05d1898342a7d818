"""What resources are made of: codes, references, quantities, notes. HL7 FHIR R4, data types."""

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from gemel.io.equipment import RESEARCH
from gemel.io.fhir.checked import Resource
from gemel.io.interval import Interval

GEMEL = "urn:gemel"
UCUM = "http://unitsofmeasure.org"
LOINC = "http://loinc.org"
UID = "urn:dicom:uid"
DEVICE = "gemel"
"""Id of the Device that is gemel itself."""
ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
LONGEST = 40


def fhir_id(name: str) -> str:
    """The name where FHIR takes it as an id and there is room for a suffix; else a digest of it."""
    if ID.fullmatch(name) and len(name) <= LONGEST and "." not in name:
        return name
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:LONGEST]


def reference(kind: str, name: str) -> Resource:
    """A reference to a resource of this server."""
    return {"reference": f"{kind}/{name}"}


def identified(system: str, value: str) -> Resource:
    """A reference to what is known by an identifier alone."""
    return {"identifier": {"system": system, "value": value}}


def concept(code: str, words: str, system: str = GEMEL) -> Resource:
    """A code with its words; gemel's own where no other system is named."""
    return {"coding": [{"system": system, "code": code, "display": words}], "text": words}


def named(words: str) -> Resource:
    """Words of gemel's own as a code: single spaces, and what fits (R4, data type code)."""
    plainly = " ".join(words.split()) or "unnamed"
    return concept(plainly[:64].strip(), plainly)


def quantity(value: float, ucum: str) -> Resource:
    """A number of six significant digits and its UCUM unit."""
    return {"value": rounded(value), "unit": ucum, "system": UCUM, "code": ucum}


def rounded(value: float) -> float:
    """Six significant digits."""
    return float(f"{value:.6g}")


def components(one: Interval) -> list[Resource]:
    """Median and limits of the 90 % interval."""
    held = {"median": ("median", one.median), "p05": ("5th percentile", one.low), "p95": ("95th percentile", one.high)}
    return [{"code": concept(code, words), "valueQuantity": quantity(value, one.ucum)} for code, (words, value) in held.items()]


def noted(*words: str) -> list[Resource]:
    """Notes, the notice of research last."""
    return [{"text": text} for text in (*filter(None, words), RESEARCH)]


def plain(held: Mapping[str, Any]) -> Resource:
    """Without what is empty: FHIR knows no empty element."""
    return {key: value for key, value in held.items() if value not in (None, "", [], {}, ())}
