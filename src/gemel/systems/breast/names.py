"""Names of regions in a breast."""

from gemel.core.errors import StructureError

_WORDS = {
    "tumour": "tumour", "tumor": "tumour", "lesion": "tumour", "gtv": "tumour",
    "adipose": "adipose", "fat": "adipose", "fibroglandular": "fibroglandular", "fgt": "fibroglandular",
}  # fmt: skip


def canonical(name: str) -> str:
    """`tumour`, `adipose` or `fibroglandular` of what is written. Raises StructureError for anything else."""
    found = _WORDS.get(name.strip().lower())
    if found is None:
        raise StructureError(f"a region {name!r}", where="breast", remedy=f"name it {', '.join(sorted(set(_WORDS.values())))}")
    return found
