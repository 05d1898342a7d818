"""Regions of the brain by the names that this system uses."""

from gemel.core.errors import StructureError

BRAIN, TARGET, FLUID, OEDEMA, INFUSED = "brain", "target", "fluid", "oedema", "infused"
_ALIASES = {
    "brain": BRAIN, "target": TARGET, "tumour": TARGET, "tumor": TARGET, "enhancing": TARGET, "fluid": FLUID, "csf": FLUID,
    "ventricles": FLUID, "resection_cavity": FLUID, "oedema": OEDEMA, "edema": OEDEMA, "infused": INFUSED, "distribution": INFUSED,
}  # fmt: skip


def canonical(name: str) -> str:
    """The system's name of a region. Raises StructureError for one that it does not know."""
    found = _ALIASES.get(name.strip().lower().replace(" ", "_"))
    if found is None:
        remedy = f"name it one of {', '.join(sorted(set(_ALIASES.values())))}, or leave it out with --map {name}="
        raise StructureError(f"an unknown region {name!r}", where="infusion", remedy=remedy)
    return found
