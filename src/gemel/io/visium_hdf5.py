"""Counts of Visium from `filtered_feature_bc_matrix.h5`: the group `matrix`, columns of a compressed sparse matrix. Needs h5py."""

from pathlib import Path

import h5py  # type: ignore[import-untyped]
import numpy as np
from scipy import sparse

from gemel.core.errors import InputError
from gemel.io.visium import Counts, named


def read_counts_hdf5(path: str | Path) -> Counts:
    """Molecules by gene and spot. Raises InputError for a file that is not of that form."""
    try:
        with h5py.File(path, "r") as file:
            group = file["matrix"]
            data, indices, starts = (np.asarray(group[name]) for name in ("data", "indices", "indptr"))
            rows, columns = (int(n) for n in group["shape"])
            genes, barcodes = ([name.decode() for name in group[key]] for key in ("features/name", "barcodes"))
        matrix = sparse.csr_matrix(sparse.csc_matrix((data, indices, starts), shape=(rows, columns)))
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise InputError(f"not a matrix of Visium ({str(error)[:80]})", where=str(path), remedy="transfer it again") from error
    return named(genes, barcodes, matrix, str(path))
