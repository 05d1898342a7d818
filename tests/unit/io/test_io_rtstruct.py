"""RTSTRUCT in and out."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

from gemel.core.errors import GeometryError, IdentityError, InputError, StructureError
from gemel.core.image import Image, world_mm
from gemel.core.structures import Structures, dice
from gemel.io import Series, content_uid, read_structures, write_structures
from tests.unit.io.dicom_edit import edit


@pytest.fixture
def file(tmp_path: Path, structures: Structures, series: Series) -> Path:
    """SHELL and CORE as written."""
    path = tmp_path / "RS.dcm"
    write_structures(path, structures, series, kinds={"CORE": "CTV"})
    return path


def contours_of(dataset: Dataset, name: str) -> list[Dataset]:
    """The contour items of one region."""
    (number,) = [roi.ROINumber for roi in dataset.StructureSetROISequence if roi.ROIName == name]
    (region,) = [roi for roi in dataset.ROIContourSequence if roi.ReferencedROINumber == number]
    return region.ContourSequence


def move(dataset: Dataset, name: str, by_mm: tuple[float, float, float]) -> None:
    """Shift all contours of one region."""
    for contour in contours_of(dataset, name):
        points = np.array(contour.ContourData, dtype=float).reshape(-1, 3) + np.array(by_mm)
        contour.ContourData = [f"{v:.3f}" for v in points.ravel()]


def test_holes_islands_and_single_pixels_come_back_exactly(file: Path, structures: Structures, series: Series) -> None:
    back = read_structures(file, series)
    assert list(back.masks) == ["SHELL", "CORE"]
    for name, mask in structures.masks.items():
        assert dice(mask, back[name]) == 1.0
        assert np.array_equal(mask, back[name])
    assert np.array_equal(read_structures(file, series.image)["SHELL"], structures["SHELL"])
    assert back.grid.frame == series.image.frame


def test_what_is_written_names_its_images_and_is_not_approved(file: Path, series: Series, folder: Path) -> None:
    dataset = pydicom.dcmread(file)
    assert dataset.ApprovalStatus == "UNAPPROVED"
    assert dataset.FrameOfReferenceUID == series.identity.frame_uid
    z_mm = {item.SOPInstanceUID: float(item.ImagePositionPatient[2]) for item in map(pydicom.dcmread, folder.glob("*.dcm"))}
    for contour in contours_of(dataset, "SHELL"):
        assert contour.ContourGeometricType == "CLOSED_PLANAR"
        assert contour.NumberOfContourPoints * 3 == len(contour.ContourData)
        assert z_mm[contour.ContourImageSequence[0].ReferencedSOPInstanceUID] == pytest.approx(float(contour.ContourData[2]), abs=1e-3)
    assert [item.RTROIInterpretedType for item in dataset.RTROIObservationsSequence] == ["", "CTV"]


def test_writing_again_gives_equal_bytes(file: Path, structures: Structures, series: Series) -> None:
    before = file.read_bytes()
    uid = write_structures(file, structures, series, kinds={"CORE": "CTV"})
    assert file.read_bytes() == before
    assert write_structures(file.parent / "other.dcm", Structures(series.image, {"CORE": structures["CORE"]}), series) != uid


def test_an_oblique_grid_comes_back_exactly(tmp_path: Path, structures: Structures, series: Series) -> None:
    angle = np.radians(20)
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    oblique = replace(series, image=Image(series.image.array, turn @ series.image.affine_mm, series.image.frame))
    write_structures(tmp_path / "RS.dcm", Structures(oblique.image, structures.masks), oblique)
    assert np.array_equal(read_structures(tmp_path / "RS.dcm", oblique)["SHELL"], structures["SHELL"])


def test_separate_hole_contours_of_one_plane_are_exclusive_or(file: Path, series: Series) -> None:
    def add_hole(dataset: Dataset) -> None:
        contour = next(item for item in contours_of(dataset, "CORE") if float(item.ContourData[2]) > -112)
        corners = np.array([(7.5, 6.5, 3), (9.5, 6.5, 3), (9.5, 8.5, 3), (7.5, 8.5, 3)], dtype=float)
        item = Dataset()
        item.ContourGeometricType, item.NumberOfContourPoints = "CLOSED_PLANAR", 4
        item.ContourData = [f"{v:.3f}" for v in world_mm(series.image, corners).ravel()]
        contours_of(dataset, "CORE").append(item)
        assert abs(float(contour.ContourData[2]) - float(item.ContourData[2])) < 0.01

    before = read_structures(file, series)["CORE"]
    edit(file, add_hole)
    cut = before & ~read_structures(file, series)["CORE"]
    assert {tuple(v) for v in np.argwhere(cut).tolist()} == {(8, 7, 3), (8, 8, 3), (9, 7, 3), (9, 8, 3)}


def test_contours_within_half_a_slice_lie_on_the_nearest_slice(file: Path, structures: Structures, series: Series) -> None:
    edit(file, lambda dataset: move(dataset, "CORE", (0, 0, 1.4)))
    assert np.array_equal(read_structures(file, series)["CORE"], structures["CORE"])
    edit(file, lambda dataset: move(dataset, "CORE", (0, 0, 0.2)))
    assert np.array_equal(read_structures(file, series)["CORE"], np.roll(structures["CORE"], 1, axis=2))


def test_contours_finer_than_the_slices_are_not_mixed(file: Path, structures: Structures, series: Series) -> None:
    def refine(dataset: Dataset) -> None:
        contours = contours_of(dataset, "CORE")
        for contour in list(contours):
            item = Dataset()
            item.ContourGeometricType, item.NumberOfContourPoints = "CLOSED_PLANAR", contour.NumberOfContourPoints
            points = np.array(contour.ContourData, dtype=float).reshape(-1, 3) + np.array([0, 0, 1])
            item.ContourData = [f"{v:.3f}" for v in points.ravel()]
            contours.append(item)

    edit(file, refine)
    assert np.array_equal(read_structures(file, series)["CORE"], structures["CORE"])


def test_slices_left_out_by_coarser_contouring_are_filled_in(tmp_path: Path, series: Series) -> None:
    ball = np.zeros(series.image.shape, dtype=bool)
    for k in range(1, 8):
        ball[4 : 8 + k, 4:12, k] = True
    path = tmp_path / "RS.dcm"
    write_structures(path, Structures(series.image, {"BALL": ball}), series)

    def thin(dataset: Dataset) -> None:
        dataset.ROIContourSequence[0].ContourSequence = contours_of(dataset, "BALL")[::2]

    edit(path, thin)
    back = read_structures(path, series)["BALL"]
    assert back[:, :, 1:8].any(axis=(0, 1)).all()
    assert not back[:, :, 0].any()
    assert dice(back, ball) > 0.98


def test_names_rename_and_leave_out(file: Path, structures: Structures, series: Series) -> None:
    back = read_structures(file, series, names={"CORE": "PROSTATE", "SHELL": ""})
    assert list(back.masks) == ["PROSTATE"]
    assert np.array_equal(back["PROSTATE"], structures["CORE"])
    with pytest.raises(StructureError, match=r"no region 'PTV_final2'; there are SHELL, CORE"):
        read_structures(file, series, names={"PTV_final2": "CTV"})
    with pytest.raises(StructureError, match="two regions named 'CORE'"):
        read_structures(file, series, names={"SHELL": "CORE"})


# ---- bad input


def test_another_frame_of_reference_is_refused(file: Path, series: Series) -> None:
    other = content_uid("elsewhere")
    with pytest.raises(IdentityError, match=rf"frame of reference .* where {other} is expected in SHELL of .*RS.dcm.*register"):
        read_structures(file, replace(series.image, frame=other))
    with pytest.raises(IdentityError, match="an unknown frame of reference"):
        read_structures(file, replace(series.image, frame=""))


@pytest.mark.parametrize("keyword, other", [("PatientID", "P-002"), ("IssuerOfPatientID", "ELSEWHERE")])
def test_another_patient_is_refused(file: Path, series: Series, keyword: str, other: str) -> None:
    edit(file, lambda dataset: setattr(dataset, keyword, other))
    with pytest.raises(IdentityError, match=rf"{other}.*is expected in .*RS.dcm.*one patient"):
        read_structures(file, series)


@pytest.mark.parametrize("empty", [None, []])
def test_an_empty_ctv_is_refused(file: Path, series: Series, empty: list[Dataset] | None) -> None:
    def clear(dataset: Dataset) -> None:
        region = dataset.ROIContourSequence[1]
        del region.ContourSequence
        if empty is not None:
            region.ContourSequence = empty

    edit(file, clear)
    with pytest.raises(StructureError, match=r"no contour in CORE of .*RS.dcm"):
        read_structures(file, series)
    assert list(read_structures(file, series, names={"CORE": ""}).masks) == ["SHELL"]


def test_all_regions_at_fault_are_named_at_once(file: Path, series: Series) -> None:
    def spoil(dataset: Dataset) -> None:
        del dataset.ROIContourSequence[1].ContourSequence
        move(dataset, "SHELL", (0, 0, 500))

    edit(file, spoil)
    with pytest.raises(StructureError, match=r"SHELL: the whole region lies outside the image; CORE: no contour.*names="):
        read_structures(file, series)


def test_a_region_smaller_than_the_voxels_is_refused(file: Path, series: Series) -> None:
    def shrink(dataset: Dataset) -> None:
        for contour in contours_of(dataset, "CORE"):
            points = np.array(contour.ContourData, dtype=float).reshape(-1, 3)
            contour.ContourData = [f"{v:.3f}" for v in (points[0] + (points - points.mean(axis=0)) * (0.01, 0.01, 0)).ravel()]

    edit(file, shrink)
    with pytest.raises(StructureError, match="no voxel centre inside the contours in CORE"):
        read_structures(file, series)


@pytest.mark.parametrize("by_mm", [(500, 0, 0), (0, -500, 0), (0, 0, 90)])
def test_a_region_wholly_outside_the_image_is_refused_even_when_clipping(
    file: Path, series: Series, by_mm: tuple[float, float, float]
) -> None:
    edit(file, lambda dataset: move(dataset, "CORE", by_mm))
    for clip in (False, True):
        with pytest.raises(StructureError, match=r"(whole region lies outside the image|no voxel centre inside).* in CORE of"):
            read_structures(file, series, clip=clip)


@pytest.mark.parametrize(
    "by_mm, found",
    [
        ((0, 0, 12), "3.0 mm beyond the last slice"),
        ((0, 0, -9), "3.0 mm beyond the first slice"),
        ((22, 0, 0), "7.0 mm beyond the last column"),
        ((0, -9, 0), "2.2 mm beyond the first row"),
    ],
)
def test_contours_beyond_the_image_are_refused_with_the_distance(
    file: Path, structures: Structures, series: Series, by_mm: tuple[float, float, float], found: str
) -> None:
    edit(file, lambda dataset: move(dataset, "CORE", by_mm))
    with pytest.raises(StructureError, match=found.replace(".", r"\.") + r".* in CORE of .*RS.dcm.*clip=True"):
        read_structures(file, series)
    kept = read_structures(file, series, clip=True)["CORE"]
    assert 0 < np.count_nonzero(kept) < np.count_nonzero(structures["CORE"])


def test_points_and_open_contours_are_refused(file: Path, series: Series) -> None:
    edit(file, lambda dataset: setattr(contours_of(dataset, "CORE")[0], "ContourGeometricType", "POINT"))
    with pytest.raises(StructureError, match="a contour of type POINT, not closed and planar in CORE"):
        read_structures(file, series)


def test_a_contour_across_slices_is_refused(file: Path, series: Series) -> None:
    def tilt(dataset: Dataset) -> None:
        contour = contours_of(dataset, "CORE")[0]
        points = np.array(contour.ContourData, dtype=float).reshape(-1, 3)
        points[0, 2] += 2.0
        contour.ContourData = [f"{v:.3f}" for v in points.ravel()]

    edit(file, tilt)
    with pytest.raises(StructureError, match=r"a contour that crosses 0\.7 slices in CORE"):
        read_structures(file, series)


def test_coordinates_that_are_missing_or_not_finite_are_refused(file: Path, series: Series) -> None:
    whole = file.read_bytes()
    edit(file, lambda dataset: setattr(contours_of(dataset, "CORE")[0], "NumberOfContourPoints", 3))
    with pytest.raises(InputError, match=r"coordinates of 3 contour points in .*RS.dcm"):
        read_structures(file, series)
    at = whole.find(b"-20.25")
    assert at > 0
    for bad in (b"nan   ", b"inf   ", b"--2.25"):
        file.write_bytes(whole[:at] + bad + whole[at + 6 :])
        with pytest.raises(InputError, match=r"RS\.dcm"):
            read_structures(file, series)


@pytest.mark.parametrize("undefined", [False, True], ids=["lengths stated", "lengths undefined"])
def test_a_file_cut_in_its_contours_is_refused(file: Path, series: Series, undefined: bool) -> None:
    def delimit(dataset: Dataset) -> None:
        for element in dataset.iterall():
            if element.VR == "SQ":
                element.is_undefined_length = undefined
                for item in element.value:
                    item.is_undefined_length_sequence_item = undefined

    edit(file, delimit)
    assert len(read_structures(file, series).masks) == 2
    whole = file.read_bytes()
    contours = whole.find(b"\x06\x30\x39\x00SQ")
    observations = whole.find(b"\x06\x30\x80\x00SQ")
    assert 0 < contours < observations
    for length in [0, 100, 131, 140, 300, *range(contours, observations - 1, (observations - contours) // 25)]:
        file.write_bytes(whole[:length])
        with pytest.raises(InputError, match=r"RS\.dcm"):
            read_structures(file, series)


def test_an_image_where_structures_are_expected_is_refused(file: Path, folder: Path, series: Series) -> None:
    with pytest.raises(InputError, match=r"an object of modality CT in .*CT_0000\.dcm — name an RTSTRUCT file"):
        read_structures(folder / "CT_0000.dcm", series)
    with pytest.raises(InputError, match="0 RTSTRUCT files where one is needed"):
        read_structures(folder, series)
    edit(file, lambda dataset: setattr(dataset, "SOPClassUID", "1.2.3"))
    with pytest.raises(InputError, match=r"SOPClassUID 1\.2\.3 in .*RS\.dcm — name a file of RT Structure Set Storage"):
        read_structures(file, series)


@pytest.mark.parametrize(
    "name, mask", [("CORE", np.zeros((20, 16, 8), bool)), ("A\\B", np.ones((20, 16, 8), bool)), ("N" * 65, np.ones((20, 16, 8), bool))]
)
def test_an_empty_mask_or_impossible_name_is_not_written(tmp_path: Path, series: Series, name: str, mask: np.ndarray) -> None:
    with pytest.raises(StructureError, match=r"an empty structure in CORE|a structure name"):
        write_structures(tmp_path / "RS.dcm", Structures(series.image, {name: mask}), series)
    assert not (tmp_path / "RS.dcm").exists()


def test_masks_on_another_grid_are_not_written(tmp_path: Path, structures: Structures, series: Series) -> None:
    affine_mm = series.image.affine_mm.copy()
    affine_mm[0, 3] += 1.0
    moved = Structures(Image(series.image.array, affine_mm, series.image.frame), structures.masks)
    with pytest.raises(GeometryError, match="two grids"):
        write_structures(tmp_path / "RS.dcm", moved, series)
    assert not (tmp_path / "RS.dcm").exists()
