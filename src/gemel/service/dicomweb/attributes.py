"""Rows of the archive's index as DICOM JSON. PS3.18 §10.6.3.3, annex F; PS3.6."""

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache

from pydicom.datadict import keyword_for_tag, tag_for_keyword

from gemel.io.dicom_json_values import inline, vr_of
from gemel.service.dicomweb.found import Row

_TAG = re.compile(r"[0-9A-Fa-f]{8}")
_NAMES: Mapping[str, str] = {"TransferSyntaxUID": "AvailableTransferSyntaxUID"}  # group 2 is no part of an answer
_BELOW = {"study": (), "series": ("SeriesInstanceUID",), "instance": ("SeriesInstanceUID", "SOPInstanceUID")}
_STEPS = {"StudyInstanceUID": "studies", "SeriesInstanceUID": "series", "SOPInstanceUID": "instances"}


def keyword_of(name: str) -> str:
    """The keyword of a query's parameter, which may be a keyword or a tag; empty when it is neither."""
    last = name.rpartition(".")[2]
    if _TAG.fullmatch(last):
        return keyword_for_tag(int(last, 16))
    return last if tag_for_keyword(last) is not None else ""


def to_json(rows: Sequence[Row], level: str, address: str) -> str:
    """An array of data sets, each with the address that it is retrieved from."""
    return f"[{','.join(_one(row, level, address) for row in rows)}]"


def _one(row: Row, level: str, address: str) -> str:
    steps = ("StudyInstanceUID", *_BELOW[level])
    url = "/".join([address, *(part for step in steps for part in (_STEPS[step], row[step]))])
    found = [("RetrieveURL", url), ("InstanceAvailability", "ONLINE"), *((_NAMES.get(name, name), value) for name, value in row.items())]
    members = sorted((tag, _member(tag, value)) for tag, value in ((_tag(name), value) for name, value in found) if tag and value)
    return f"{{{','.join(member for _, member in members)}}}"


def _member(tag: int, value: str) -> str:
    vr = vr_of(tag, "", False)
    if vr in ("US", "UL"):
        return f'"{tag:08X}":{{"vr":"{vr}","Value":{json.dumps([int(value)])}}}'
    return f'"{tag:08X}":{{"vr":"{vr}"{inline(value.encode(), vr, "<", ("utf_8",))}}}'


@cache
def _tag(keyword: str) -> int:
    return tag_for_keyword(keyword) or 0
