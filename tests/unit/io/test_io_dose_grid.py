"""A dose grid lies where its file says, by fractions of a voxel, in any orientation; on the CT's grid it is interpolated linearly."""

from itertools import product
from pathlib import Path

import numpy as np
import pydicom
import pytest

from gemel.core.errors import GeometryError
from gemel.core.image import Image, same_grid, voxel_index, world_mm
from gemel.engines.registration import resample
from gemel.io import Identity, Series, content_uid, read_dose, write_dose
from tests.unit.io.dicom_edit import FRAME, edit

FRACTIONS = (0.25, 0.34, 0.47)
OFFSETS = [*np.kron(np.eye(3), np.array(FRACTIONS)[:, None]), np.array(FRACTIONS), -np.array(FRACTIONS[::-1])]
SPACINGS_mm = ((2.0, 1.5, 3.0), (2.5, 2.5, 2.5), (1.3, 3.1, 2.2))  # the CT's own, coarser and finer, none alike


def linear_Gy(points_mm: np.ndarray) -> np.ndarray:
    """A dose that is linear in space, different along each axis, and positive where it is used."""
    return 100.0 + points_mm @ np.array([0.11, -0.23, 0.31])


def dose_on(origin_mm: np.ndarray, spacing_mm: tuple[float, float, float], shape: tuple[int, int, int]) -> Image:
    """The linear dose on a grid."""
    affine_mm = np.diag([*spacing_mm, 1.0])
    affine_mm[:3, 3] = origin_mm
    grid = Image(np.zeros(shape, np.float32), affine_mm, FRAME)
    index = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1).reshape(-1, 3).astype(np.float64)
    return Image(linear_Gy(world_mm(grid, index)).reshape(shape).astype(np.float32), affine_mm, FRAME)


@pytest.mark.parametrize("spacing_mm", SPACINGS_mm, ids=str)
@pytest.mark.parametrize("offset", OFFSETS, ids=str)
def test_a_dose_off_the_ct_by_fractions_of_a_voxel_stays_there(
    tmp_path: Path, series: Series, identity: Identity, offset: np.ndarray, spacing_mm: tuple[float, float, float]
) -> None:
    """Written, read and resampled to the CT, a linear dose is exact between the dose's voxel centres, and 0 beyond its voxels."""
    ct = series.image
    dose = dose_on(ct.origin_mm + (2 + offset) * ct.spacing_mm, spacing_mm, (12, 7, 6))
    write_dose(tmp_path / "RD.dcm", dose, identity)
    read = read_dose(tmp_path / "RD.dcm", series=None)
    np.testing.assert_allclose(read.affine_mm, dose.affine_mm, atol=1e-9)
    on_ct = resample(read, ct, outside=0.0)
    assert same_grid(on_ct, ct)
    index = np.stack(np.meshgrid(*map(np.arange, ct.shape), indexing="ij"), axis=-1).reshape(-1, 3).astype(np.float64)
    points_mm = world_mm(ct, index)
    at = voxel_index(dose, points_mm)
    inside = ((at >= -1e-9) & (at <= np.array(dose.shape) - 1 + 1e-9)).all(axis=1)
    assert inside.sum() > 100
    np.testing.assert_allclose(on_ct.array.reshape(-1)[inside], linear_Gy(points_mm)[inside], atol=2e-4)
    beyond = ((at <= -0.51) | (at >= np.array(dose.shape) - 0.49)).any(axis=1)
    assert not on_ct.array.reshape(-1)[beyond].any()


@pytest.fixture
def file(tmp_path: Path, identity: Identity) -> Path:
    """A linear dose on an odd grid."""
    write_dose(tmp_path / "RD.dcm", dose_on(np.array([-30.7, 12.34, -101.47]), (2.0, 1.5, 3.0), (9, 8, 7)), identity)
    return tmp_path / "RD.dcm"


ROWS_COLUMNS = [(row, column) for row, column in product(range(6), repeat=2) if row % 3 != column % 3]


@pytest.mark.parametrize("falling", [False, True])
@pytest.mark.parametrize("axes", ROWS_COLUMNS, ids=str)
def test_frames_in_any_of_48_orientations_hold_the_dose_of_their_places(file: Path, axes: tuple[int, int], falling: bool) -> None:
    """Places by PS3.3 C.7.6.2.1.1 and C.8.8.3.2, worked voxel by voxel: row, column and normal along ±x, ±y, ±z, offsets either way."""
    directions = np.concatenate([np.eye(3), -np.eye(3)])
    row, column = directions[axes[0]], directions[axes[1]]
    normal, spacing = np.cross(row, column), np.array([2.0, 1.5, 3.0])
    step_mm = -3.0 if falling else 3.0
    frame, j, i = np.meshgrid(np.arange(5), np.arange(4), np.arange(6), indexing="ij")
    first_mm = np.array([3.21, -4.56, -7.89])
    points_mm = first_mm + i[..., None] * spacing[0] * row + j[..., None] * spacing[1] * column + frame[..., None] * step_mm * normal

    def turn(dataset: pydicom.Dataset) -> None:
        dataset.NumberOfFrames, dataset.Rows, dataset.Columns = 5, 4, 6
        dataset.PixelSpacing = [spacing[1], spacing[0]]
        dataset.ImagePositionPatient = first_mm.tolist()
        dataset.ImageOrientationPatient = [*row, *column]
        dataset.GridFrameOffsetVector = [step_mm * k for k in range(5)]
        dataset.DoseGridScaling = "1e-6"
        dataset.PixelData = np.rint(linear_Gy(points_mm) * 1e6).astype("<u4").tobytes()

    edit(file, turn)
    read = read_dose(file)
    assert np.linalg.det(read.affine_mm[:3, :3]) > 0
    index = voxel_index(read, points_mm.reshape(-1, 3))
    np.testing.assert_allclose(index, np.rint(index), atol=1e-9)
    np.testing.assert_allclose(read.array[tuple(np.rint(index).astype(int).T)], linear_Gy(points_mm).reshape(-1), atol=1e-4)


@pytest.mark.parametrize("column", [1.0, -1.0])
@pytest.mark.parametrize("step_mm", [3.0, -3.0])
def test_absolute_offsets_are_patient_z_whatever_the_normal(file: Path, column: float, step_mm: float) -> None:
    """With the rows upside down the normal points to the feet; the offsets of the second form do not follow it."""

    def turn(dataset: pydicom.Dataset) -> None:
        dataset.ImageOrientationPatient = [1, 0, 0, 0, column, 0]
        dataset.GridFrameOffsetVector = [-101.47 + step_mm * k for k in range(7)]
        dataset.PixelData = (np.arange(7 * 8 * 9, dtype="<u4")).tobytes()
        dataset.DoseGridScaling = "0.001"

    edit(file, turn)
    read = read_dose(file)
    last_frame_mm = np.array([[-30.7, 12.34, -101.47 + 6 * step_mm]])
    (at,) = np.rint(voxel_index(read, last_frame_mm)).astype(int)
    assert read.array[tuple(at)] == pytest.approx(6 * 8 * 9 * 0.001)
    np.testing.assert_allclose(world_mm(read, at[None].astype(np.float64)), last_frame_mm, atol=1e-9)


def test_absolute_offsets_are_refused_where_they_have_no_meaning(file: Path) -> None:
    def coronal(dataset: pydicom.Dataset) -> None:
        dataset.ImageOrientationPatient = [1, 0, 0, 0, 0, 1]
        dataset.GridFrameOffsetVector = [-101.47 + 3.0 * k for k in range(7)]

    edit(file, coronal)
    with pytest.raises(GeometryError, match=r"GridFrameOffsetVector starts at -101\.47 mm"):
        read_dose(file)


def test_a_single_frame_takes_its_thickness(file: Path) -> None:
    def one(dataset: pydicom.Dataset) -> None:
        dataset.PixelData = dataset.pixel_array[:1].tobytes()
        dataset.NumberOfFrames, dataset.GridFrameOffsetVector = 1, None

    edit(file, one)
    assert read_dose(file).shape == (9, 8, 1)
    assert read_dose(file).spacing_mm[2] == pytest.approx(3.0)
    edit(file, lambda dataset: setattr(dataset, "SliceThickness", 0))
    with pytest.raises(GeometryError, match="one frame with SliceThickness 0 mm"):
        read_dose(file)


def test_an_oblique_dose_keeps_its_axes(tmp_path: Path, identity: Identity) -> None:
    angle = np.radians(7.0)
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    dose = dose_on(np.array([-3.1, 4.2, -5.3]), (2.0, 1.5, 3.0), (9, 8, 7))
    oblique = Image(dose.array, turn @ dose.affine_mm, FRAME)
    write_dose(tmp_path / "RD.dcm", oblique, identity, plan_uid=content_uid("plan"))
    np.testing.assert_allclose(read_dose(tmp_path / "RD.dcm").affine_mm, oblique.affine_mm, atol=1e-9)
