"""Regions in the codes of DICOM and SNOMED CT. PS3.16 CID 7151, CID 244; PS3.3 C.8.20.2."""

from dataclasses import dataclass

from pydicom.dataset import Dataset

from gemel.io.dicom_object import coded

_SITES = {
    "kidney": ("64033007", "Kidney"),
    "liver": ("10200004", "Liver"),
    "salivary": ("385294005", "Salivary gland"),
    "parotid": ("45289007", "Parotid gland"),
    "submandibular": ("385296007", "Submandibular gland"),
    "marrow": ("14016003", "Bone Marrow"),
    "tumour": ("108369006", "Neoplasm"),
}
_SIDES = {"left": ("7771000", "Left"), "right": ("24028007", "Right"), "both": ("51440002", "Bilateral")}
_ABNORMAL = ("49755003", "Morphologically Abnormal Structure")
_ORGAN, _UNKNOWN = ("91723000", "Anatomical Structure"), ("91772007", "Organ")


@dataclass(frozen=True)
class Site:
    """A region as codes: what kind of thing, which, and on which side (None where it has none)."""

    category: Dataset
    kind: Dataset
    side: Dataset | None


def site(name: str) -> Site:
    """The codes of a region by the words of its name (`kidney_left`, `salivary_parotid`, `tumour_2`): the last one that is known."""
    words = name.lower().split("_")
    known = [word for word in words if word in _SITES]
    sides = [word for word in words if word in _SIDES]
    kind = _SITES[known[-1]] if known else _UNKNOWN
    category = _ABNORMAL if "tumour" in known else _ORGAN
    return Site(_sct(category), _sct(kind), _sct(_SIDES[sides[0]]) if sides else None)


def _sct(code: tuple[str, str]) -> Dataset:
    return coded(code[0], "SCT", code[1])
