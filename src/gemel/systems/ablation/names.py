"""Regions of the liver, and energies, by the names that this system uses."""

from gemel.core.errors import StructureError

ORGAN, TUMOUR, CRITICAL, ABLATED = "organ", "tumour", "critical", "ablated"
MICROWAVE, RADIOFREQUENCY = "microwave", "radiofrequency"
_ALIASES = {
    "organ": ORGAN, "liver": ORGAN, "tumour": TUMOUR, "tumor": TUMOUR, "lesion": TUMOUR, "metastasis": TUMOUR, "critical": CRITICAL,
    "bile_duct": CRITICAL, "gallbladder": CRITICAL, "bowel": CRITICAL, "colon": CRITICAL, "ablated": ABLATED, "ablation_zone": ABLATED,
    "necrosis": ABLATED,
}  # fmt: skip


def canonical(name: str) -> str:
    """The system's name of a region. Raises StructureError for one that it does not know."""
    found = _ALIASES.get(name.strip().lower().replace(" ", "_"))
    if found is None:
        remedy = f"name it one of {', '.join(sorted(set(_ALIASES.values())))}, or leave it out with --map {name}="
        raise StructureError(f"an unknown region {name!r}", where="ablation", remedy=remedy)
    return found
