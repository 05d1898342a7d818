"""Spatial transcriptomics in: the output folder of Visium → places in mm and counts by spot and gene. 10x Genomics, Space Ranger outputs.

`spatial/tissue_positions_list.csv` (no heading) or `tissue_positions.csv`; `spatial/scalefactors_json.json`; the matrix as
`filtered_feature_bc_matrix/{matrix.mtx,barcodes.tsv,features.tsv}[.gz]`, or given by the caller (`visium_hdf5`).
"""

import csv
import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO, StringIO
from pathlib import Path

import numpy as np
from jaxtyping import Float
from scipy import io as scipy_io
from scipy import sparse
from scipy.spatial import cKDTree

from gemel.core.errors import InputError, RangeError
from gemel.core.image import Array
from gemel.io.files import read_bytes

PITCH_mm = 0.1
"""Between centres of neighbours on the slide."""
SPOT_mm = 0.065
"""Diameter that `spot_diameter_fullres` spans."""
AGREE = 0.1
COLUMNS = ("barcode", "in_tissue", "array_row", "array_col", "pxl_row_in_fullres", "pxl_col_in_fullres")


@dataclass(frozen=True)
class Counts:
    """Molecules by gene and spot."""

    genes: tuple[str, ...]
    barcodes: tuple[str, ...]
    matrix: sparse.csr_matrix


@dataclass(frozen=True)
class Visium:
    """Spots in tissue: places (mm, x to the right and y down the image), barcodes, and their counts (genes by spots)."""

    x_mm: Float[Array, "spots"]
    y_mm: Float[Array, "spots"]
    barcodes: tuple[str, ...]
    genes: tuple[str, ...]
    counts: sparse.csr_matrix


def read_visium(folder: str | Path, counts: Counts | None = None) -> Visium:
    """The spots in tissue that have counts.

    The scale is the pitch of neighbours in pixels over 100 µm, held against the stated diameter of a spot. Raises InputError for missing
    files and spots without counts, RangeError when the two scales differ by more than a tenth.
    """
    folder = Path(folder)
    held = counts or read_mtx(folder / "filtered_feature_bc_matrix")
    rows = [row for row in _positions(folder / "spatial") if row["in_tissue"] == "1"]
    place = {name: n for n, name in enumerate(held.barcodes)}
    known = [row for row in rows if row["barcode"] in place]
    if len(known) < 2:
        found = f"{len(known)} of {len(rows)} spots in tissue with counts"
        raise InputError(found, where=str(folder), remedy="give matrix and positions of one slide")
    pixels = np.array([[float(row[COLUMNS[5]]), float(row[COLUMNS[4]])] for row in known])
    mm = pixels * _mm_of_pixel(pixels, folder / "spatial" / "scalefactors_json.json")
    kept = held.matrix[:, [place[row["barcode"]] for row in known]]
    return Visium(mm[:, 0], mm[:, 1], tuple(row["barcode"] for row in known), held.genes, sparse.csr_matrix(kept))


def of_genes(slide: Visium, names: Sequence[str]) -> dict[str, Float[Array, "spots"]]:
    """Molecules of genes a 10,000 of a spot. Raises InputError for a gene that was not measured, RangeError for an empty spot."""
    total = np.asarray(slide.counts.sum(axis=0)).ravel()
    if not (total > 0).all():
        raise RangeError(f"{np.count_nonzero(total <= 0)} spots without a molecule", where="Visium", remedy="leave these spots out")
    absent = [name for name in names if name not in slide.genes]
    if absent:
        raise InputError(f"no gene {absent[0]!r}", where="Visium", remedy="name genes as the matrix does")
    return {name: slide.counts[slide.genes.index(name)].toarray().ravel() * 1e4 / total for name in names}


def read_mtx(folder: str | Path) -> Counts:
    """The matrix in Matrix Market form with its names. Raises InputError for missing files and names that do not fit."""
    folder = Path(folder)
    genes = [line.split("\t")[1 if "\t" in line else 0] for line in _lines(folder, "features.tsv")]
    barcodes = _lines(folder, "barcodes.tsv")
    try:
        matrix = sparse.csr_matrix(scipy_io.mmread(BytesIO(_unpacked(folder, "matrix.mtx"))))
    except (ValueError, TypeError, OverflowError) as error:
        raise InputError(f"not a Matrix Market file ({str(error)[:60]})", where=str(folder), remedy="transfer it again") from error
    return named(genes, barcodes, matrix, str(folder))


def named(genes: Sequence[str], barcodes: Sequence[str], matrix: sparse.csr_matrix, where: str) -> Counts:
    """Counts with their names. Raises InputError where they do not fit, or a count is negative."""
    if matrix.shape != (len(genes), len(barcodes)):
        found = f"a matrix of {matrix.shape} for {len(genes)} genes and {len(barcodes)} spots"
        raise InputError(found, where=where, remedy="give the names of this matrix")
    if matrix.nnz and matrix.data.min() < 0:
        raise InputError("counts below zero", where=where, remedy="give molecules as they were counted")
    return Counts(tuple(genes), tuple(barcodes), matrix)


def _positions(spatial: Path) -> list[dict[str, str]]:
    """Rows of either form of the table."""
    for name in ("tissue_positions.csv", "tissue_positions_list.csv"):
        if (spatial / name).is_file():
            rows = list(csv.reader(StringIO(read_bytes(spatial / name).decode("utf-8"))))
            rows = rows[1:] if rows and rows[0][:1] == ["barcode"] else rows
            if any(len(row) != len(COLUMNS) for row in rows):
                raise InputError(f"rows that have not {len(COLUMNS)} columns", where=str(spatial / name), remedy="transfer it again")
            return [dict(zip(COLUMNS, row, strict=True)) for row in rows]
    raise InputError("no tissue_positions.csv", where=str(spatial), remedy="name the folder that Space Ranger wrote (outs)")


def _mm_of_pixel(pixels: Float[Array, "spots 2"], path: Path) -> float:
    """Of the full-resolution image."""
    nearest = np.asarray(cKDTree(pixels).query(pixels, k=2)[0])[:, 1]
    pitch = PITCH_mm / float(np.median(nearest))
    try:
        stated = SPOT_mm / float(json.loads(read_bytes(path))["spot_diameter_fullres"])
    except (ValueError, KeyError, TypeError, ZeroDivisionError) as error:
        raise InputError("no spot_diameter_fullres", where=str(path), remedy="give the scale factors of this slide") from error
    if not abs(pitch / stated - 1) <= AGREE:
        found = f"{1e3 * pitch:.3g} µm a pixel by the pitch of spots, {1e3 * stated:.3g} by their diameter"
        raise RangeError(found, where=str(path), remedy="give positions and scale factors of one slide, in full resolution")
    return pitch


def _lines(folder: Path, name: str) -> list[str]:
    return [line for line in _unpacked(folder, name).decode("utf-8").splitlines() if line.strip()]


def _unpacked(folder: Path, name: str) -> bytes:
    for path in (folder / f"{name}.gz", folder / name):
        if path.is_file():
            data = read_bytes(path)
            return gzip.decompress(data) if path.suffix == ".gz" else data
    raise InputError(f"no {name}", where=str(folder), remedy="name the folder that Space Ranger wrote (outs)")
