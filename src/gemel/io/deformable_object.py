"""A deformation as a Deformable Spatial Registration, out and in. DICOM PS3.3 A.39.2, C.20.3."""

from collections.abc import Sequence as Items
from pathlib import Path

import numpy as np
from jaxtyping import Float
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import DeformableSpatialRegistrationStorage

from gemel.core.errors import InputError
from gemel.core.image import Array
from gemel.io.deformable import Deformed, kind_of
from gemel.io.dicom_file import items, numbers, parse, require_class, serialise, uid, value
from gemel.io.dicom_object import decimal
from gemel.io.files import read_bytes, write_atomic
from gemel.io.identity import Identity
from gemel.io.registration import matrix_of, reference_of
from gemel.io.registration_object import Sources, decimals_of, registration_object
from gemel.io.uids import content_uid

LARGEST = 2**28
"""Numbers that a grid may hold: 1 GiB of offsets, four times a field on every voxel of 512 x 512 x 85."""


def write_deformable(path: str | Path, found: Deformed, identity: Identity, *, sources: Sources, description: str = "") -> str:
    """Write the deformation; returns the SOPInstanceUID, which follows from the content. `identity` is of the registered frame.

    Offsets keep every bit of their 32; grid and matrices are decimal strings or doubles, exact to 1e-9 of their size.
    """
    matrices = np.round(np.stack([found.affine_mm, found.pre_mm, found.post_mm]), 12).tobytes()
    frames = (found.source_frame, found.frame)
    content = content_uid("DREG", identity.patient_id, *frames, matrices, found.offsets_mm.tobytes(), repr(sources), description)
    said = (sources, description)
    dataset = registration_object(DeformableSpatialRegistrationStorage, content, identity, found.frame, said)
    item = Dataset()
    item.SourceFrameOfReferenceUID, item.RegistrationTypeCodeSequence = found.source_frame, Sequence([])
    if sources.moving:
        item.ReferencedImageSequence = Sequence([reference_of(image) for image in sources.moving])
    item.PreDeformationMatrixRegistrationSequence = Sequence([_matrix(found.pre_mm, found.kinds[0])])
    item.PostDeformationMatrixRegistrationSequence = Sequence([_matrix(found.post_mm, found.kinds[1])])
    item.DeformableRegistrationGridSequence = Sequence([_grid(found)])
    dataset.DeformableRegistrationSequence = Sequence([item])
    write_atomic(path, serialise(dataset))
    return content


def _matrix(matrix: Float[Array, "4 4"], kind: str) -> Dataset:
    item = Dataset()
    item.FrameOfReferenceTransformationMatrixType, item.FrameOfReferenceTransformationMatrix = kind, decimals_of(matrix)
    return item


def _grid(found: Deformed) -> Dataset:
    """Position and axes of the grid, and Δ with the first index running fastest (C.20.3.1.2)."""
    spacing_mm = np.linalg.norm(found.affine_mm[:3, :3], axis=0)
    axes, item = found.affine_mm[:3, :3] / spacing_mm, Dataset()
    item.ImagePositionPatient = [decimal(v) for v in found.affine_mm[:3, 3]]
    item.ImageOrientationPatient = [decimal(v) for v in (*axes[:, 0], *axes[:, 1])]
    item.GridDimensions, item.GridResolution = [int(n) for n in found.offsets_mm.shape[:3]], [float(v) for v in spacing_mm]
    item.VectorGridData = np.ascontiguousarray(found.offsets_mm.transpose(2, 1, 0, 3)).astype("<f4").tobytes()
    return item


def read_deformable(path: str | Path) -> tuple[Deformed, ...]:
    """Every deformation of the object. Raises InputError for another object or offsets that do not fill their grid, GeometryError."""
    where = str(path)
    dataset = parse(read_bytes(Path(path)), where)
    require_class(dataset, DeformableSpatialRegistrationStorage, where)
    frame = uid(dataset, "FrameOfReferenceUID", where)
    return tuple(_deformed(item, frame, where) for item in items(dataset, "DeformableRegistrationSequence", where))


def _deformed(item: Dataset, frame: str, where: str) -> Deformed:
    grids = items(item, "DeformableRegistrationGridSequence", where)
    offsets_mm, affine_mm = _offsets(grids[0], where) if grids else (np.zeros((1, 1, 1, 3), np.float32), np.eye(4))
    pre_mm = _stated(items(item, "PreDeformationMatrixRegistrationSequence", where), where)
    post_mm = _stated(items(item, "PostDeformationMatrixRegistrationSequence", where), where)
    source = uid(item, "SourceFrameOfReferenceUID", where)
    return Deformed(offsets_mm, affine_mm, source, frame, pre_mm, post_mm, (kind_of(pre_mm), kind_of(post_mm)))


def _stated(found: Items[Dataset], where: str) -> Float[Array, "4 4"]:
    """The matrix of a sequence; the unit matrix where it has no item."""
    return matrix_of(found[0], where) if found else np.eye(4)


def _offsets(grid: Dataset, where: str) -> tuple[Array, Array]:
    """Δ as (x, y, z, 3) and the affine of the grid."""
    size = numbers(grid, "GridDimensions", 3, where).astype(int)
    if (size < 1).any() or 3 * float(np.prod(size.astype(float))) > LARGEST:
        found = f"a deformation grid of {' x '.join(map(str, size))}"
        raise InputError(found, where=where, remedy="export the deformation on a coarser grid")
    data = bytes(value(grid, "VectorGridData", where))
    if len(data) != 12 * int(np.prod(size)):
        found = f"{len(data)} bytes of offsets for a grid of {' x '.join(map(str, size))}"
        raise InputError(found, where=where, remedy="export the registration again")
    row, column = numbers(grid, "ImageOrientationPatient", 6, where).reshape(2, 3)
    affine_mm = np.eye(4)
    affine_mm[:3, :3] = np.column_stack([row, column, np.cross(row, column)]) * numbers(grid, "GridResolution", 3, where)
    affine_mm[:3, 3] = numbers(grid, "ImagePositionPatient", 3, where)
    return np.frombuffer(data, "<f4").reshape(*size[::-1], 3).transpose(2, 1, 0, 3).astype(np.float32), affine_mm
