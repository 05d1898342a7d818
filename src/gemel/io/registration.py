"""How one frame of reference lies in another: a 4 x 4 matrix, from and to a Spatial Registration. DICOM PS3.3 A.39.1, C.20.2."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import SpatialRegistrationStorage

from gemel.core.errors import GeometryError, IdentityError, InputError
from gemel.core.image import Array
from gemel.io.dicom_file import items, numbers, parse, require_class, serialise, text, uid, value
from gemel.io.files import read_bytes, write_atomic
from gemel.io.identity import Identity
from gemel.io.registration_object import Sources, decimals_of, registration_object
from gemel.io.uids import content_uid

RIGID, RIGID_SCALE, AFFINE = "RIGID", "RIGID_SCALE", "AFFINE"
TOLERANCE = 1e-5
"""By which a rotation of decimal strings may miss being orthogonal: ten significant digits, well above their rounding."""


@dataclass(frozen=True)
class Registered:
    """x_frame = M x_source in LPS mm, homogeneous (C.20.2.1.1): where a point of `source_frame` lies in `frame`.

    Raises GeometryError for a matrix that cannot be inverted or whose last row is not 0 0 0 1.
    """

    matrix_mm: Float[Array, "4 4"]
    source_frame: str
    frame: str
    kind: str = RIGID

    def __post_init__(self) -> None:
        matrix = np.asarray(self.matrix_mm, dtype=np.float64)
        require_matrix(matrix, self.kind, "Registered")
        object.__setattr__(self, "matrix_mm", matrix)


def require_matrix(matrix: Float[Array, "4 4"], kind: str, where: str) -> None:
    """Raises GeometryError unless the matrix is one of that kind (C.20.2.1.2): a rotation, with scales, or any invertible one."""
    whole = np.isfinite(matrix).all() and np.allclose(matrix[3], (0, 0, 0, 1)) and abs(np.linalg.det(matrix[:3, :3])) > 1e-9
    gram = matrix[:3, :3].T @ matrix[:3, :3]
    off = gram - (np.eye(3) if kind == RIGID else np.diag(np.diag(gram)))
    turned = kind == AFFINE or (np.abs(off).max() <= TOLERANCE and np.linalg.det(matrix[:3, :3]) > 0)
    if kind not in (RIGID, RIGID_SCALE, AFFINE) or not (whole and turned):
        remedy = "state its kind as RIGID, RIGID_SCALE or AFFINE, and give a finite matrix that can be inverted"
        raise GeometryError(f"a matrix {matrix.tolist()} of kind {kind}", where=where, remedy=remedy)


def write_registration(path: str | Path, found: Registered, identity: Identity, *, sources: Sources, description: str = "") -> str:
    """Write a Spatial Registration; returns the SOPInstanceUID, which follows from the content.

    `identity` is of the registered frame; its own coordinates are stated by the unit matrix, as C.20.2.1.1 lets readers expect. Matrices
    are decimal strings: exact to 1e-9 of their size.
    """
    matrix = np.round(found.matrix_mm, 12)
    content = content_uid(
        "REG", identity.patient_id, found.source_frame, found.frame, matrix.tobytes(), found.kind, repr(sources), description
    )
    dataset = registration_object(SpatialRegistrationStorage, content, identity, found.frame, (sources, description))
    fixed = _item(np.eye(4), found.frame, RIGID, sources.fixed)
    dataset.RegistrationSequence = Sequence([fixed, _item(found.matrix_mm, found.source_frame, found.kind, sources.moving)])
    write_atomic(path, serialise(dataset))
    return content


def _item(matrix: Float[Array, "4 4"], frame: str, kind: str, images: tuple[tuple[str, str], ...]) -> Dataset:
    one, matrices, item = Dataset(), Dataset(), Dataset()
    one.FrameOfReferenceTransformationMatrixType = kind
    one.FrameOfReferenceTransformationMatrix = decimals_of(matrix)
    matrices.RegistrationTypeCodeSequence, matrices.MatrixSequence = Sequence([]), Sequence([one])
    item.FrameOfReferenceUID, item.MatrixRegistrationSequence = frame, Sequence([matrices])
    if images:
        item.ReferencedImageSequence = Sequence([reference_of(image) for image in images])
    return item


def reference_of(image: tuple[str, str]) -> Dataset:
    """An item that names an image (class, UID)."""
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = image
    return item


def read_registration(path: str | Path) -> tuple[Registered, ...]:
    """Every frame that the object registers, other than the registered frame itself where it is stated by the unit matrix.

    Several matrices of one item are applied in order, the first one first (C.20.2.1.1). Raises InputError for another object, IdentityError
    for an item without a frame of reference, GeometryError for a matrix that is not of its kind.
    """
    where = str(path)
    dataset = parse(read_bytes(Path(path)), where)
    require_class(dataset, SpatialRegistrationStorage, where)
    frame = uid(dataset, "FrameOfReferenceUID", where)
    found = [_registered(item, frame, where) for item in items(dataset, "RegistrationSequence", where)]
    return tuple(one for one in found if one.source_frame != frame or not np.allclose(one.matrix_mm, np.eye(4)))


def _registered(item: Dataset, frame: str, where: str) -> Registered:
    source = text(item, "FrameOfReferenceUID", where)
    if not source:
        remedy = "export it with FrameOfReferenceUID in every item; images alone are not looked up"
        raise IdentityError("a registration of images without a frame of reference", where=where, remedy=remedy)
    matrix, kinds = np.eye(4), []
    for step in items(item, "MatrixRegistrationSequence", where):
        for one in items(step, "MatrixSequence", where):
            kinds.append(str(value(one, "FrameOfReferenceTransformationMatrixType", where)))
            matrix = matrix_of(one, where) @ matrix
    if not kinds:
        raise InputError("a registration without a matrix", where=where, remedy="export it again; MatrixSequence is required")
    kind = next(name for name in (AFFINE, RIGID_SCALE, RIGID) if name in (*kinds, RIGID))
    return Registered(matrix, source, frame, kind)


def matrix_of(one: Dataset, where: str) -> Float[Array, "4 4"]:
    """The matrix of an item, row by row, checked to be of its kind."""
    kind = str(value(one, "FrameOfReferenceTransformationMatrixType", where))
    matrix = numbers(one, "FrameOfReferenceTransformationMatrix", 16, where).reshape(4, 4)
    require_matrix(matrix, kind, where)
    return matrix
