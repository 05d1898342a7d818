"""Names of what is outlined on MRI, and the two volumes that are made of them."""

import re
from collections.abc import Mapping

import numpy as np
from jaxtyping import Bool

from gemel.core.errors import StructureError
from gemel.core.image import Array
from gemel.core.structures import Structures

ENHANCING, NECROSIS, OEDEMA, FLAIR = "enhancing", "necrosis", "oedema", "flair"
WHITE, GREY = "white", "grey"
_WORDS = {
    "enhancing": ENHANCING, "et": ENHANCING, "t1gd": ENHANCING, "t1c": ENHANCING, "t1ce": ENHANCING, "contrast": ENHANCING,
    "necrosis": NECROSIS, "necrotic": NECROSIS, "ncr": NECROSIS, "core": NECROSIS,
    "oedema": OEDEMA, "edema": OEDEMA, "ed": OEDEMA, "nonenhancing": OEDEMA,
    "flair": FLAIR, "t2": FLAIR, "whole": FLAIR,
    "white": WHITE, "wm": WHITE, "grey": GREY, "gray": GREY, "gm": GREY,
}  # fmt: skip


def canonical(name: str) -> str:
    """`enhancing`, `necrosis`, `oedema`, `flair` (all that is bright on T2/FLAIR), `white` or `grey` matter.

    Raises StructureError for what is none.
    """
    parts = [part for part in re.split(r"[^a-z0-9]+", name.lower()) if part]
    joined = "".join(parts).replace("tumour", "").replace("tumor", "")
    found = {_WORDS[word] for word in (*parts, joined) if word in _WORDS}
    if len(found) != 1:
        remedy = "name it enhancing, necrosis, oedema, flair, white or grey: --map OWN=NAME, or leave it out: --map OWN="
        raise StructureError(f"a region {name!r} that the model does not know", where="segmentation", remedy=remedy)
    return found.pop()


def volumes(structures: Structures) -> Mapping[str, Bool[Array, "x y z"]]:
    """`enhancing`: what takes up contrast with the necrosis within; `flair`: everything abnormal, where oedema or FLAIR was outlined.

    Where T2/FLAIR is outlined and nothing enhances, neither in a region of its own nor around necrosis, `flair` is alone. Raises
    StructureError for a volume that is empty or reaches the border of the image.
    """
    masks = structures.masks
    if _nothing_enhances(masks):
        found = {FLAIR: np.logical_or.reduce([masks[n] for n in (OEDEMA, FLAIR) if n in masks])}
        _require_inside(FLAIR, found[FLAIR])
        return found
    if ENHANCING not in masks or (NECROSIS in masks and masks[NECROSIS].any() and not masks[ENHANCING].any()):
        raise StructureError("no enhancing tumour", where="segmentation", remedy="outline what enhances on T1 after contrast")
    inner = np.logical_or.reduce([masks[n] for n in (ENHANCING, NECROSIS) if n in masks])
    outer = [masks[n] for n in (OEDEMA, FLAIR) if n in masks]
    found = {ENHANCING: inner} | ({FLAIR: np.logical_or.reduce([inner, *outer])} if outer else {})
    for name, mask in found.items():
        _require_inside(name, mask)
    return found


def require_enhancing(structures: Structures) -> None:
    """Raises StructureError where nothing enhances: a twin begins with a tumour that does; later it may vanish."""
    if ENHANCING not in volumes(structures):
        raise StructureError("no enhancing tumour", where="the first visit", remedy="begin with a visit whose enhancing tumour is outlined")


def _nothing_enhances(masks: Mapping[str, Bool[Array, "x y z"]]) -> bool:
    some = {name for name, mask in masks.items() if mask.any()}
    return not some & {ENHANCING, NECROSIS} and bool(some & {OEDEMA, FLAIR})


def _require_inside(name: str, mask: Bool[Array, "x y z"]) -> None:
    if not mask.any():
        raise StructureError("an empty mask", where=name, remedy="segment this visit again, or leave it out")
    faces = (mask[[0, -1]], mask[:, [0, -1]], mask[:, :, [0, -1]])
    if any(face.any() for face in faces):
        raise StructureError("a mask that touches the border of the image", where=name, remedy="use the whole scan, not a crop through it")
