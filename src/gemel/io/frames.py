"""A volume that other objects lie on, frame by frame or image by image: how multi-frame objects refer to it. PS3.3 C.7.6.16, C.8.4.9."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import UID, CTImageStorage, SecondaryCaptureImageStorage

from gemel.core.image import Image
from gemel.io.dicom_object import IMPLEMENTATION_UID, decimal, new_dataset
from gemel.io.identity import Identity, Series
from gemel.io.orientation import along_lps
from gemel.io.uids import content_uid


@dataclass(frozen=True)
class Volume:
    """One multi-frame instance that was written: class, UID, grid along LPS, whose it is, when it was acquired (DICOM DA, TM)."""

    sop_class: str
    sop_uid: str
    image: Image
    identity: Identity
    date: str
    time: str


@dataclass(frozen=True)
class Slices:
    """A series of single images: class, UIDs along z, grid along LPS, whose it is, the date and time that it speaks of (DICOM DA, TM)."""

    sop_class: str
    sop_uids: tuple[str, ...]
    image: Image
    identity: Identity
    date: str
    time: str

    @property
    def sop_uid(self) -> str:
        """One name for all of them."""
        return content_uid("slices", *self.sop_uids)


On = Volume | Slices


def slices_of(series: Series, at: tuple[str, str]) -> Slices:
    """A CT series as it was read or written; `at`: date and time that it speaks of (DA, TM)."""
    return Slices(str(CTImageStorage), series.sop_uids, series.image, series.identity, *at)


def made_here(content: str) -> dict[str, Any]:
    """What every object of frames states of itself: a series of its own, UIDs from its content, and that gemel made it for research."""
    equipment = dict.fromkeys(("manufacturer", "manufacturer_model_name", "software_versions"), "gemel")
    uids = {"series_instance_uid": content_uid("series", content), "sop_instance_uid": content}
    numbers = {"series_number": 1, "instance_number": 1, "device_serial_number": "none"}
    return {**equipment, **uids, **numbers, "content_label": "GEMEL", "series_description": "gemel, research use"}


def planes(volume: On) -> list[Dataset]:
    """One data set a frame or image, geometry and identity only, each with a UID: what libraries of single-frame sources ask for."""
    array, affine_mm = along_lps(volume.image.array, volume.image.affine_mm)
    spacing_mm = np.linalg.norm(affine_mm[:3, :3], axis=0)
    axes = affine_mm[:3, :3] / spacing_mm
    found = []
    for k in range(array.shape[2]):
        sop_class, modality, series = _names(volume)
        dataset = new_dataset(sop_class, modality, volume.identity, plane_uid(volume, k), frame=volume.image.frame)
        dataset.SeriesInstanceUID = series
        dataset.ImagePositionPatient = [decimal(v) for v in affine_mm[:3, 3] + affine_mm[:3, 2] * k]
        dataset.ImageOrientationPatient = [decimal(v) for v in (*axes[:, 0], *axes[:, 1])]
        dataset.PixelSpacing, dataset.SliceThickness = [decimal(spacing_mm[1]), decimal(spacing_mm[0])], decimal(spacing_mm[2])
        dataset.Columns, dataset.Rows = array.shape[:2]
        found.append(dataset)
    return found


def _names(volume: On) -> tuple[str, str, str]:
    """SOP class, modality and series of the planes."""
    if isinstance(volume, Slices):
        return volume.sop_class, volume.identity.modality, volume.identity.series_uid
    return str(SecondaryCaptureImageStorage), "NM", content_uid("series", volume.sop_uid)


def plane_uid(volume: On, k: int) -> str:
    """The UID of an image, the stand-in UID of a frame."""
    if isinstance(volume, Slices):
        return volume.sop_uids[k]
    return content_uid("plane", volume.sop_uid, str(k))


def pointed(dataset: Dataset, volume: On) -> Dataset:
    """The data set with references to stand-ins turned into one to the volume, and to its frames where a frame derives from one."""
    if isinstance(volume, Slices):
        return dataset
    number = {plane_uid(volume, k): k + 1 for k in range(volume.image.shape[2])}
    for element in dataset:
        if element.VR == "SQ":
            element.value = _sources(element.value, volume, number, framed=False)
    return dataset


def _sources(items: Sequence[Dataset], volume: Volume, number: Mapping[str, int], *, framed: bool) -> list[Dataset]:
    kept: list[Dataset] = []
    whole = False
    for item in items:
        frame = number.get(str(item.get("ReferencedSOPInstanceUID", "")))
        if frame is None:
            for element in item:
                if element.VR == "SQ":
                    element.value = _sources(element.value, volume, number, framed=element.keyword == "SourceImageSequence")
            kept.append(item)
        elif framed or not whole:
            kept.append(_reference(item, volume, frame if framed else 0))
            whole = not framed
    return kept


def _reference(item: Dataset, volume: Volume, frame: int) -> Dataset:
    """The item, naming the volume; its frame, or all of it (0)."""
    found = deepcopy(item)
    found.ReferencedSOPClassUID, found.ReferencedSOPInstanceUID = UID(volume.sop_class), UID(volume.sop_uid)
    if frame:
        found.ReferencedFrameNumber = frame
    return found


def settled(dataset: Dataset, volume: On) -> Dataset:
    """The data set without the clock and the random UIDs of the library that built it: a re-run writes equal bytes."""
    for keyword in ("ContentDate", "SeriesDate", "InstanceCreationDate", "ContentTime", "SeriesTime", "InstanceCreationTime"):
        if keyword in dataset:
            setattr(dataset, keyword, volume.date if keyword.endswith("Date") else volume.time)
    organised = content_uid("dimensions", str(dataset.SOPInstanceUID))
    for item in dataset.get("DimensionOrganizationSequence", []):
        item.DimensionOrganizationUID = organised
    for item in dataset.get("DimensionIndexSequence", []):
        item.DimensionOrganizationUID = organised
    for item in dataset.get("ContributingEquipmentSequence", []):
        if "ContributionDateTime" in item:
            del item.ContributionDateTime
    dataset.file_meta.ImplementationClassUID, dataset.file_meta.ImplementationVersionName = UID(IMPLEMENTATION_UID), "GEMEL"
    dataset.SeriesDescription = dataset.get("SeriesDescription") or "gemel, research use"
    return dataset
