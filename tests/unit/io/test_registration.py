"""Registrations out and in: direction, order, every number, whose images; and what is refused."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.sequence import Sequence
from pydicom.uid import CTImageStorage

from gemel.core.errors import GeometryError, IdentityError, InputError
from gemel.io.deformable import Deformed, source_points_mm
from gemel.io.deformable_object import read_deformable, write_deformable
from gemel.io.identity import Identity
from gemel.io.registration import AFFINE, RIGID, Registered, read_registration, write_registration
from gemel.io.registration_object import Sources

WHO = Identity("P1", "H", "1.2.3.4", "1.2.3.5", "1.2.3.6", patient_name="A^B")
CT = str(CTImageStorage)
JOINED = Sources("20260302", "080000", ((CT, "1.2.9.1"),), ((CT, "1.2.9.2"),), ("1.2.3.4", "1.2.3.5"), ("1.2.3.44", "1.2.3.55"))
ROUND_TRIP_mm = 0.01


def turned(angle: float = 0.1) -> np.ndarray:
    """A rotation about z and a shift."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, 0, 3.3], [s, c, 0, -2.0], [0, 0, 1, 7.0], [0, 0, 0, 1]])


def oblique_grid() -> np.ndarray:
    """Index to LPS of a grid that is turned, with three different spacings."""
    axes = turned(0.4)[:3, :3] @ np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]])
    affine_mm = np.eye(4)
    affine_mm[:3, :3], affine_mm[:3, 3] = axes * [3.0, 4.0, 5.0], [-12.0, 3.0, 2.5]
    return affine_mm


def bent(points_mm: np.ndarray) -> np.ndarray:
    """A smooth offset, linear in space so that a grid of any spacing holds it exactly."""
    return points_mm @ np.array([[0.02, -0.05, 0.01], [0.03, 0.04, -0.02], [-0.01, 0.02, 0.06]]) + [1.0, -2.0, 0.5]


def deformed(shape: tuple[int, int, int] = (6, 7, 8)) -> Deformed:
    affine_mm = oblique_grid()
    nodes = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1).reshape(-1, 3) @ affine_mm[:3, :3].T + affine_mm[:3, 3]
    return Deformed(bent(nodes).reshape(*shape, 3).astype(np.float32), affine_mm, "1.2.77", "1.2.3.6", post_mm=turned())


def inside(n: int = 200) -> np.ndarray:
    """Points within the grid."""
    index = np.random.default_rng(3).random((n, 3)) * [5, 6, 7]
    return index @ oblique_grid()[:3, :3].T + oblique_grid()[:3, 3]


def test_a_matrix_comes_back_and_takes_the_source_to_the_registered_frame(tmp_path: Path) -> None:
    write_registration(tmp_path / "a.dcm", Registered(turned(), "1.2.77", "1.2.3.6"), WHO, sources=JOINED)
    (found,) = read_registration(tmp_path / "a.dcm")
    assert (found.source_frame, found.frame, found.kind) == ("1.2.77", "1.2.3.6", RIGID)
    points_mm = np.array([[300.0, -300.0, 1000.0, 1.0]])
    assert np.abs((found.matrix_mm - turned()) @ points_mm.T).max() < 1e-6 < ROUND_TRIP_mm
    stated = pydicom.dcmread(tmp_path / "a.dcm").RegistrationSequence
    moving = next(item for item in stated if item.FrameOfReferenceUID == "1.2.77")
    matrix = moving.MatrixRegistrationSequence[0].MatrixSequence[0].FrameOfReferenceTransformationMatrix
    assert float(matrix[3]) == pytest.approx(3.3)  # rows first: the fourth number is the shift along x
    assert moving.ReferencedImageSequence[0].ReferencedSOPInstanceUID == "1.2.9.2"


def test_matrices_of_one_item_are_applied_in_order(tmp_path: Path) -> None:
    write_registration(tmp_path / "a.dcm", Registered(turned(), "1.2.77", "1.2.3.6"), WHO, sources=JOINED)
    dataset = pydicom.dcmread(tmp_path / "a.dcm")
    steps = dataset.RegistrationSequence[1].MatrixRegistrationSequence
    second = pydicom.Dataset()
    second.FrameOfReferenceTransformationMatrixType = "AFFINE"
    second.FrameOfReferenceTransformationMatrix = [2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]
    steps[0].MatrixSequence = Sequence([*steps[0].MatrixSequence, second])
    dataset.save_as(tmp_path / "b.dcm")
    (found,) = read_registration(tmp_path / "b.dcm")
    assert found.kind == AFFINE
    assert found.matrix_mm[0, 3] == pytest.approx(6.6)  # first the rotation, then twice as far along x


def test_a_deformation_comes_back_to_the_last_bit_of_its_offsets(tmp_path: Path) -> None:
    rough = np.random.default_rng(0).normal(size=(6, 7, 8, 3)).astype(np.float32)
    sent = replace(deformed(), offsets_mm=rough, pre_mm=turned(-0.2), kinds=(RIGID, RIGID))
    write_deformable(tmp_path / "a.dcm", sent, WHO, sources=JOINED)
    (found,) = read_deformable(tmp_path / "a.dcm")
    assert (found.offsets_mm == rough).all()
    assert np.abs(source_points_mm(found, inside()) - source_points_mm(sent, inside())).max() < 1e-6 < ROUND_TRIP_mm
    assert found.kinds == (RIGID, RIGID)
    assert (found.source_frame, found.frame) == ("1.2.77", "1.2.3.6")


def test_an_analytic_deformation_is_found_where_it_should_be(tmp_path: Path) -> None:
    """x_source = M_post (x + Δ(x)), PS3.3 C.20.3.1.1, against the closed form."""
    write_deformable(tmp_path / "a.dcm", deformed(), WHO, sources=JOINED)
    (found,) = read_deformable(tmp_path / "a.dcm")
    points_mm = inside()
    expected = (points_mm + bent(points_mm)) @ turned()[:3, :3].T + turned()[:3, 3]
    assert np.abs(source_points_mm(found, points_mm) - expected).max() < ROUND_TRIP_mm


def test_offsets_run_along_the_first_axis_fastest(tmp_path: Path) -> None:
    """PS3.3 C.20.3.1.2: read here from the raw bytes, without the reader."""
    write_deformable(tmp_path / "a.dcm", deformed(), WHO, sources=JOINED)
    grid = pydicom.dcmread(tmp_path / "a.dcm").DeformableRegistrationSequence[0].DeformableRegistrationGridSequence[0]
    assert list(grid.GridDimensions) == [6, 7, 8]
    raw = np.frombuffer(grid.VectorGridData, "<f4").reshape(-1, 3)
    assert (raw[1] == deformed().offsets_mm[1, 0, 0]).all()
    assert (raw[6] == deformed().offsets_mm[0, 1, 0]).all()
    assert (raw[6 * 7] == deformed().offsets_mm[0, 0, 1]).all()


def test_another_program_finds_the_same_points(tmp_path: Path) -> None:
    """SimpleITK composes the post matrix with a displacement field made of the file's grid alone."""
    itk = pytest.importorskip("SimpleITK", reason="SimpleITK is not installed (gemel[bench])")
    write_deformable(tmp_path / "a.dcm", deformed(), WHO, sources=JOINED)
    item = pydicom.dcmread(tmp_path / "a.dcm").DeformableRegistrationSequence[0]
    grid = item.DeformableRegistrationGridSequence[0]
    vectors = np.frombuffer(grid.VectorGridData, "<f4").reshape(*list(grid.GridDimensions)[::-1], 3).astype(float)
    image = itk.GetImageFromArray(vectors, isVector=True)
    x, y = np.array(grid.ImageOrientationPatient, float).reshape(2, 3)
    image.SetOrigin([float(v) for v in grid.ImagePositionPatient])
    image.SetSpacing([float(v) for v in grid.GridResolution])
    image.SetDirection(np.column_stack([x, y, np.cross(x, y)]).ravel().tolist())
    matrix = np.array(item.PostDeformationMatrixRegistrationSequence[0].FrameOfReferenceTransformationMatrix, float).reshape(4, 4)
    after = itk.AffineTransform(matrix[:3, :3].ravel().tolist(), matrix[:3, 3].tolist())
    both = itk.CompositeTransform([after, itk.DisplacementFieldTransform(image)])
    theirs = np.array([both.TransformPoint(point.tolist()) for point in inside()])
    assert np.abs(theirs - source_points_mm(deformed(), inside())).max() < ROUND_TRIP_mm


def test_a_re_run_writes_the_same_bytes_and_other_content_another_name(tmp_path: Path) -> None:
    uids = [write_deformable(tmp_path / name, deformed(), WHO, sources=JOINED) for name in ("a.dcm", "b.dcm")]
    assert uids[0] == uids[1]
    assert (tmp_path / "a.dcm").read_bytes() == (tmp_path / "b.dcm").read_bytes()
    other = replace(deformed(), offsets_mm=deformed().offsets_mm + np.float32(1e-3))
    assert write_deformable(tmp_path / "c.dcm", other, WHO, sources=JOINED) != uids[0]
    rigid = [write_registration(tmp_path / name, Registered(turned(), "1.2.77", "1.2.3.6"), WHO, sources=JOINED) for name in ("d", "e")]
    assert rigid[0] == rigid[1]
    assert (tmp_path / "d").read_bytes() == (tmp_path / "e").read_bytes()


def test_images_of_both_sides_are_named_by_study_and_series(tmp_path: Path) -> None:
    """PS3.3 C.12.2: those of the same study, and those of others."""
    write_registration(tmp_path / "a.dcm", Registered(turned(), "1.2.77", "1.2.3.6"), WHO, sources=JOINED)
    read = pydicom.dcmread(tmp_path / "a.dcm")
    assert read.ReferencedSeriesSequence[0].SeriesInstanceUID == "1.2.3.5"
    other = read.StudiesContainingOtherReferencedInstancesSequence[0]
    assert (other.StudyInstanceUID, other.ReferencedSeriesSequence[0].SeriesInstanceUID) == ("1.2.3.44", "1.2.3.55")


@pytest.mark.parametrize("change", ["sheared", "mirrored", "flat", "not a number"])
def test_a_matrix_that_is_not_of_its_kind_is_refused(change: str) -> None:
    matrix = turned()
    if change == "sheared":
        matrix[0, 1] += 0.01
    elif change == "mirrored":
        matrix[:, 0] *= -1
    elif change == "flat":
        matrix[2] = 0
    else:
        matrix[0, 0] = np.nan
    with pytest.raises(GeometryError, match="kind RIGID"):
        Registered(matrix, "1.2.77", "1.2.3.6")


def _spoiled(tmp_path: Path, spoil: str) -> Path:
    write_deformable(tmp_path / "a.dcm", deformed(), WHO, sources=JOINED)
    dataset = pydicom.dcmread(tmp_path / "a.dcm")
    grid = dataset.DeformableRegistrationSequence[0].DeformableRegistrationGridSequence[0]
    if spoil == "short":
        grid.VectorGridData = grid.VectorGridData[:-12]
    elif spoil == "huge":
        grid.GridDimensions = [4_000_000_000, 4_000_000_000, 2]
    elif spoil == "infinite":
        grid.VectorGridData = np.full(6 * 7 * 8 * 3, np.inf, "<f4").tobytes()
    elif spoil == "skewed":
        grid.ImageOrientationPatient = [1, 0, 0, 0.5, 0.5, 0]
    dataset.save_as(tmp_path / "b.dcm")
    return tmp_path / "b.dcm"


@pytest.mark.parametrize("spoil", ["short", "huge", "infinite", "skewed"])
def test_a_grid_that_is_not_one_is_refused(tmp_path: Path, spoil: str) -> None:
    with pytest.raises(InputError, match="grid"):
        read_deformable(_spoiled(tmp_path, spoil))


def test_a_registration_of_images_alone_is_refused(tmp_path: Path) -> None:
    write_registration(tmp_path / "a.dcm", Registered(turned(), "1.2.77", "1.2.3.6"), WHO, sources=JOINED)
    dataset = pydicom.dcmread(tmp_path / "a.dcm")
    del dataset.RegistrationSequence[1].FrameOfReferenceUID
    dataset.save_as(tmp_path / "b.dcm")
    with pytest.raises(IdentityError, match="without a frame"):
        read_registration(tmp_path / "b.dcm")
    with pytest.raises(InputError, match="SOPClassUID"):
        read_deformable(tmp_path / "a.dcm")
