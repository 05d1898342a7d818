"""Two other readings of the standard: dciodvfy (dicom3tools), and dicom-validator over the tables of PS3.3 that highdicom carries.

dicom-validator's own tables are made of the standard's DocBook sources, which are no package; those of highdicom have every module of
every object with the type of each element, and neither conditions nor enumerated values: dciodvfy knows those.
"""

import logging
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pydicom
from dicom_validator.validator.dicom_info import DicomInfo
from dicom_validator.validator.error_handler import NullValidationResultHandler
from dicom_validator.validator.iod_validator import IODValidator
from highdicom import _standard_utils as tables
from pydicom.datadict import DicomDictionary, tag_for_keyword

PROGRAM = "dciodvfy"
GROUPS = (["SharedFunctionalGroupsSequence"], ["PerFrameFunctionalGroupsSequence"])
CONTENT = (
    *("ReferencedSOPSequence", "TemporalRangeType", "ConceptCodeSequence", "MeasuredValueSequence", "TabulatedValuesSequence"),
    *("GraphicData", "GraphicType", "ReferencedFrameOfReferenceUID"),
)
"""What a content item has by its value type."""


def dciodvfy_errors(path: Path) -> list[str] | None:
    """Lines that begin with Error; None where the program is not installed, or does not know this kind of object."""
    program = shutil.which(PROGRAM)
    if program is None:
        return None
    told = subprocess.run([program, str(path)], capture_output=True, text=True, check=False)
    lines = (told.stdout + told.stderr).splitlines()
    return None if any("Information Object Not found" in line for line in lines) else [line for line in lines if line.startswith("Error")]


def validator_errors(path: Path) -> list[str]:
    """What dicom-validator finds: elements that are missing, empty, or in no module of the object."""
    dataset = pydicom.dcmread(path)
    validator = IODValidator(
        dataset, standard(str(dataset.SOPClassUID)), log_level=logging.CRITICAL, error_handler=NullValidationResultHandler()
    )
    result = validator.validate()
    found = [
        f"{module}: {tag} {error.code.name}" for module, errors in (result.module_errors or {}).items() for tag, error in errors.items()
    ]
    return found if result.status.name in ("Passed", "Failed") else [result.status.name]


@cache
def standard(sop_class: str) -> DicomInfo:
    """The tables of one kind of object, as dicom-validator takes them."""
    iod = tables.get_sop_class_iod_map()[sop_class]
    rows = tables.get_iod_module_map()[iod]
    modules = {
        row["key"]: _module(tables.get_module_attribute_map()[row["key"]])
        for row in rows
        if row["key"] in tables.get_module_attribute_map()
    }
    used = {row["key"]: {"ref": row["key"], "use": row["usage"]} for row in rows if row["key"] in modules}
    words = {
        _tag(keyword): {"name": row[2], "vr": row[0], "vm": row[1], "prop": ""} for row in DicomDictionary.values() if (keyword := row[4])
    }
    return DicomInfo(words, {sop_class: {"title": iod, "modules": used, "group_macros": {}}}, modules)


def _module(attributes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Elements by tag, items within items. Whether a macro of a frame, or an element of a content item, must be there is a condition."""
    root: dict[str, Any] = {}
    for row in attributes:
        at = root
        for name in row["path"]:
            at = at.setdefault(_tag(name), {"name": name, "type": "3"}).setdefault("items", {})
        free = row["type"].endswith("C") or row["path"] in GROUPS or row["path"][:1] == ["ContentSequence"] or row["keyword"] in CONTENT
        at.setdefault(_tag(row["keyword"]), {}).update({"name": row["keyword"], "type": "3" if free else row["type"]})
    _nest(root)
    return root


def _nest(root: dict[str, Any]) -> None:
    """Content items hold content items to any depth."""
    tag = _tag("ContentSequence")
    first = root.get(tag, {}).get("items")
    if first is not None:
        first[tag] = {"name": "ContentSequence", "type": "3", "items": first}


def _tag(keyword: str) -> str:
    number = tag_for_keyword(keyword) or 0
    return f"({number >> 16:04X},{number & 0xFFFF:04X})"
