"""Real scans: DICOM and NIfTI of the same data agree voxel for voxel; voxel counts that another reader found."""

import time
from pathlib import Path

import numpy as np
import pytest

from gemel.core.image import Image, is_axis_aligned, same_grid
from gemel.core.structures import dice
from gemel.io import read_dicom, read_dose, read_nifti, read_series, read_structures, write_structures

PELVIS = ("BODY", "PROSTATE", "DIL", "URETHRA", "BLADDER", "BLADDER_NECK", "RECTUM", "FEMUR_L", "FEMUR_R")


def require_equal(a: Image, b: Image) -> None:
    """Same grid, same values."""
    assert same_grid(a, b)
    assert is_axis_aligned(a)
    assert np.array_equal(a.array, b.array)


def test_pelvis_dicom_equals_its_nifti(shared_data: Path) -> None:
    require_equal(read_dicom(shared_data / "pelvis_dicom"), read_nifti(shared_data / "pelvis" / "ct.nii.gz"))


def test_every_pelvis_contour_has_dice_one_with_its_mask(shared_data: Path) -> None:
    structures = read_structures(shared_data / "pelvis_dicom", read_series(shared_data / "pelvis_dicom"))
    assert tuple(structures.masks) == PELVIS
    for name in PELVIS:
        assert dice(structures[name], read_nifti(shared_data / "pelvis" / f"{name}.nii.gz").array > 0) == 1.0, name


def test_nine_regions_on_46_slices_in_a_second(shared_data: Path) -> None:
    series = read_series(shared_data / "pelvis_dicom")
    walls_s = []
    for _ in range(3):
        start_s = time.perf_counter()
        read_structures(shared_data / "pelvis_dicom" / "RTSTRUCT.dcm", series)
        walls_s.append(time.perf_counter() - start_s)
    assert np.median(walls_s) < 1.0


def test_pelvis_contours_come_back_exactly_after_writing(shared_data: Path, tmp_path: Path) -> None:
    series = read_series(shared_data / "pelvis_dicom")
    structures = read_structures(shared_data / "pelvis_dicom", series)
    write_structures(tmp_path / "RS.dcm", structures, series)
    back = read_structures(tmp_path / "RS.dcm", series)
    assert all(np.array_equal(back[name], structures[name]) for name in PELVIS)


def test_tg119_has_the_voxels_that_another_reader_finds(shared_data: Path) -> None:
    """Counts by pyRadPlan 0.5.0 on the CORT phantom (Craft et al. 2014, GigaScience 3:37); 8793 of OuterTarget if edges count as inside."""
    folder = shared_data / "cort_dicom" / "TG119"
    series = read_series(folder)
    require_equal(series.image, read_nifti(shared_data / "cort" / "tg119_ct.nii.gz"))
    structures = read_structures(folder, series)
    assert {name: np.count_nonzero(mask) for name, mask in structures.masks.items()} == {"Core": 1320, "OuterTarget": 7458, "BODY": 601736}


def test_a_folder_with_ct_contours_and_dose_gives_each(shared_data: Path) -> None:
    """Head and neck patient of OpenKBP, Babier et al. 2021, Med Phys 48:5549; dose stored with 16 bits, 1.1 mGy a step."""
    folder = shared_data / "openkbp" / "pt_1_dicom"
    neutral = shared_data / "openkbp" / "pt_1"
    series = read_series(folder)
    require_equal(series.image, read_nifti(neutral / "ct.nii.gz"))
    dose, expected = read_dose(folder, series=series), read_nifti(neutral / "dose.nii.gz")
    assert same_grid(dose, expected)
    assert np.abs(dose.array - expected.array).max() <= 0.00114204618 / 2 + 1e-5
    structures = read_structures(folder, series)
    assert len(structures.masks) == 8
    for name, mask in structures.masks.items():
        assert dice(mask, read_nifti(neutral / f"mask_{name}.nii.gz").array > 0) == 1.0, name


@pytest.mark.parametrize("day", ["01", "04", "08"])
def test_a_cbct_lies_on_the_planning_grid(shared_data: Path, day: str) -> None:
    assert same_grid(read_nifti(shared_data / "pelvis_days" / f"cbct_{day}.nii.gz"), read_dicom(shared_data / "pelvis_dicom"))
