"""Segmented visits: a label map with its sidecar and a DICOM SEG give the same regions; whatever is not stated is asked for."""

import json
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.uid import MRImageStorage

from gemel import io
from gemel.core.errors import InputError, StructureError
from gemel.core.image import Image, voxel_index, world_mm
from gemel.core.structures import Structures
from gemel.io import mri
from gemel.io.frames import Volume
from gemel.io.seg_write import write_segmentation

AFFINE = np.diag([2.0, 2.0, 3.0, 1.0])


def labels() -> np.ndarray:
    held = np.zeros((12, 10, 8), dtype=np.float32)
    held[3:9, 3:8, 2:6] = 2
    held[4:7, 4:7, 3:5] = 4
    return held


def written(folder: Path, array: np.ndarray, **fields: object) -> Path:
    io.write_nifti(folder / "visit.nii.gz", Image(array, AFFINE))
    (folder / "visit.json").write_text(json.dumps({"AcquisitionDateTime": "2026-03-02T09:00", "labels": {"2": "ED", "4": "ET"}} | fields))
    return folder / "visit.nii.gz"


def test_a_label_map_is_read_with_its_names_time_and_patient(tmp_path: Path) -> None:
    found = io.read_visit(written(tmp_path, labels(), PatientID="P", FrameOfReferenceUID="1.2.3"))
    assert set(found.structures.masks) == {"ED", "ET"}
    assert found.structures["ET"].sum() == (labels() == 4).sum()
    assert (found.acquired, found.structures.grid.frame, found.files[1].name) == ("2026-03-02T09:00", "1.2.3", "visit.json")
    assert found.identity is not None
    assert found.identity.patient_id == "P"


def test_a_DICOM_segmentation_gives_the_same_regions(tmp_path: Path) -> None:
    """The time is that of the study, else of the volume it was written for: a segmentation's own may be that of its making."""
    image = Image(labels(), AFFINE, "1.2.3")
    who = io.Identity("P", study_uid="1.2.5", frame_uid="1.2.3", modality="MR")
    volume = Volume(str(MRImageStorage), "1.2.3.4", image, who, "20260302", "090000")
    regions = Structures(image, {"enhancing": labels() == 4, "oedema": labels() == 2})
    write_segmentation(tmp_path / "seg.dcm", regions, volume)
    assert io.read_visit(tmp_path / "seg.dcm").acquired.startswith("2026-03-02T09:00")
    held = pydicom.dcmread(tmp_path / "seg.dcm")
    held.SeriesDate, held.SeriesTime = "", ""
    held.save_as(tmp_path / "undated.dcm")
    with pytest.raises(InputError, match="no time"):
        io.read_visit(tmp_path / "undated.dcm")
    held.StudyDate, held.StudyTime, held.SeriesDate = "20260302", "090000", "20260405"
    held.save_as(tmp_path / "seg.dcm")
    found = io.read_visit(tmp_path / "seg.dcm")
    assert set(found.structures.masks) == {"enhancing", "oedema"}
    for name, mask in regions.masks.items():
        at = voxel_index(found.structures.grid, world_mm(image, np.argwhere(mask).astype(np.float64)))
        assert found.structures[name].sum() == mask.sum()
        assert found.structures[name][tuple(np.rint(at).astype(int).T)].all()
    assert found.acquired.startswith("2026-03-02T09:00")
    assert found.identity is not None
    assert found.identity.patient_id == "P"


def test_a_segmentation_of_more_voxels_than_images_have_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An object of a few bytes may list any number of images that it was drawn on."""
    image = Image(labels(), AFFINE, "1.2.3")
    who = io.Identity("P", study_uid="1.2.5", frame_uid="1.2.3", modality="MR")
    regions = Structures(image, {"enhancing": labels() == 4})
    write_segmentation(tmp_path / "seg.dcm", regions, Volume(str(MRImageStorage), "1.2.3.4", image, who, "20260302", "090000"))
    monkeypatch.setattr(mri, "slices_left_out", lambda *_: (3, 3))
    assert io.read_visit(tmp_path / "seg.dcm").structures.grid.shape == image.shape
    monkeypatch.setattr(mri, "MOST_VOXELS", image.array.size - 1)
    with pytest.raises(InputError, match="960 voxels"):
        io.read_visit(tmp_path / "seg.dcm")


BAD = [
    ({"labels": {"2": "ED"}}, StructureError, "label 4"),
    ({"labels": {}}, StructureError, "without a name"),
    ({"labels": ["ED"]}, InputError, "labels"),
    ({"labels": {"x": "ED", "2": "ED", "4": "ET"}}, InputError, "number the labels"),
    ({"labels": {"\u00b2": "ED", "2": "ED", "4": "ET"}}, InputError, "labels"),
    ({"labels": {"2": "ED", "02": "FLAIR", "4": "ET"}}, InputError, "labels"),
    ({"labels": {"2": "ET", "4": "ET"}}, StructureError, "two regions named 'ET'"),
    ({"AcquisitionDateTime": "yesterday"}, InputError, "time"),
    ({"AcquisitionDateTime": ""}, InputError, "AcquisitionDateTime"),
]


@pytest.mark.parametrize(("fields", "error", "match"), BAD)
def test_a_sidecar_that_leaves_something_open_is_refused(fields, error, match, tmp_path: Path) -> None:
    with pytest.raises(error, match=match) as told:
        io.read_visit(written(tmp_path, labels(), **fields))
    assert told.value.remedy


def test_values_that_are_no_labels_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no labels"):
        io.read_visit(written(tmp_path, labels() * 0.4))
