"""The caller's influence matrix, checked: its columns (spots) compressed, float32 values, int32 rows, not copied where it is so already."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float32, Int
from scipy import sparse

from gemel.core.errors import InputError, RangeError
from gemel.core.image import Array

Matrix = Any  # a scipy sparse matrix or array: voxels x spots, Gy per 1e6 protons


@dataclass(frozen=True)
class Columns:
    """Sparse columns: spot j holds `data[start[j]:start[j+1]]` at the rows `rows[start[j]:start[j+1]]`."""

    data: Float32[Array, "nonzeros"]
    rows: Int[Array, "nonzeros"]
    start: Int[Array, "ends"]
    n_rows: int

    @property
    def n_spots(self) -> int:
        """Number of columns."""
        return self.start.size - 1


def columns_of(matrix: Matrix, where: str) -> Columns:
    """The matrix as float32 columns. Raises InputError, RangeError for what is no dose: another type, empty, NaN, below zero."""
    if not isinstance(matrix, sparse.spmatrix | sparse.sparray):
        raise InputError(f"a {type(matrix).__name__}", where=where, remedy="pass a scipy.sparse matrix of voxels x spots")
    csc: Any = sparse.csc_array(matrix)
    if 0 in csc.shape or csc.nnz == 0:
        raise InputError(f"an empty matrix of shape {csc.shape}", where=where, remedy="check that the spots reach the dose grid")
    low, high = float(csc.data.min()), float(csc.data.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise RangeError("values that are not finite", where=where, remedy="look for NaN in the image and the beam model")
    if low < 0:
        raise RangeError(f"negative dose ({low:.3g} Gy per 1e6 protons)", where=where, remedy="compute the influence matrix again")
    data, rows = csc.data.astype(np.float32, copy=False), csc.indices.astype(np.int32, copy=False)
    return Columns(data, rows, csc.indptr.astype(np.int64), int(csc.shape[0]))
