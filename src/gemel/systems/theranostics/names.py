"""Names of regions: what contours are called in hospitals, and which compartment of the model each belongs to."""

import re

from gemel.core.errors import StructureError
from gemel.systems.theranostics.network import ORGANS

_WORDS = {
    "kidney": "kidney", "kidneys": "kidney", "ren": "kidney", "renal": "kidney",
    "salivary": "salivary", "parotid": "salivary_parotid", "submandibular": "salivary_submandibular", "gland": "", "glands": "",
    "liver": "liver", "hepar": "liver",
    "tumour": "tumour", "tumor": "tumour", "lesion": "tumour", "met": "tumour", "metastasis": "tumour", "node": "tumour", "gtv": "tumour",
    "left": "left", "l": "left", "lt": "left", "right": "right", "r": "right", "rt": "right", "voi": "",
}  # fmt: skip


def canonical(name: str) -> str:
    """`kidney_left`, `salivary_parotid_right`, `liver`, `tumour_3` of what is written. Raises StructureError for what the model lacks."""
    parts = [part for part in re.split(r"[^a-z0-9]+", re.sub(r"([a-z])([A-Z0-9])", r"\1_\2", name).lower()) if part]
    known = [_WORDS.get(part, part if part.isdigit() else "?") for part in parts]
    organ = max((word for word in known if word.split("_")[0] in ORGANS), key=len, default="")
    if not organ or "?" in known:
        remedy = f"name it after {', '.join(ORGANS)} with left, right or a number: --map OWN=NAME, or leave it out: --map '{name}='"
        raise StructureError(f"a contour {name!r} that is no organ of the model", where="structures", remedy=remedy)
    return "_".join([organ, *(word for word in known if word and word.split("_")[0] != organ_of(organ))])


def organ_of(name: str) -> str:
    """The compartment of a canonical name."""
    return name.split("_")[0]
