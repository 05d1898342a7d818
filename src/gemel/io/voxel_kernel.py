"""A table of voxel S values in: one octant, mGy/(MBq s), named by nuclide, voxel and size → a whole kernel in Gy per decay."""

import csv
import re
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import numpy as np
from jaxtyping import Float

from gemel.core.errors import InputError
from gemel.core.image import Array
from gemel.io.files import read_bytes
from gemel.io.nuclear_header import nuclide_name

NAME = re.compile(r"(?P<nuclide>\d{1,3}m?[A-Z][a-z]?)_.*?(?P<voxel>\d+(?:[.,]\d+)?)mm_(?P<size>\d+)x(?P=size)x(?P=size)")
GY_PER_MGY_MBQ_S = 1e-9
"""mGy/(MBq s) in Gy per decay."""


@dataclass(frozen=True)
class KernelRead:
    """Gy per decay in a block of cubic voxels around the source. Check its energy (`engines.dose.kernel.gate`) before it is used."""

    nuclide: str
    voxel_mm: float
    kernel_Gy: Float[Array, "x y z"]


def read_voxel_kernel(path: str | Path) -> KernelRead:
    """`177Lu_…_<voxel>mm_<n>x<n>x<n>.csv` with rows i, j, k, S of one octant, i, j, k from 0 to n - 1 or to (n - 1)/2; other rows are text.

    MIRD 17, Bolch et al. 1999, J Nucl Med 40:11S. Raises InputError for another name, an octant with a hole or a value twice, and values
    that are not finite or negative. Rows are told apart from a heading by their numbers alone.
    """
    path = Path(path)
    named = NAME.match(path.name)
    if named is None:
        remedy = "name it 177Lu_soft_2.21mm_11x11x11.csv: nuclide, voxel and size are read from the name"
        raise InputError(f"a kernel named {path.name!r}", where=str(path), remedy=remedy)
    rows = _rows(path)
    index, values = rows[:, :3].astype(int), rows[:, 3]
    size, top = int(named["size"]), int(index.max(initial=0)) + 1
    if top not in (size, (size + 1) // 2) or len(rows) != top**3 or len(np.unique(index, axis=0)) != top**3:
        found = f"{len(rows)} values up to index {top - 1} for a name that says {size}"
        raise InputError(found, where=str(path), remedy="give one whole octant, each place once")
    octant = np.zeros((top, top, top))
    octant[tuple(index.T)] = values * GY_PER_MGY_MBQ_S
    whole = octant[np.ix_(*[np.abs(np.arange(1 - top, top))] * 3)]
    return KernelRead(nuclide_name(named["nuclide"], str(path)), float(named["voxel"].replace(",", ".")), whole)


def _rows(path: Path) -> Float[Array, "rows 4"]:
    text = read_bytes(path).decode("utf-8", errors="replace")
    found = []
    for row in csv.reader(StringIO(text), delimiter=";" if ";" in text else ","):
        cells = [cell.strip() for cell in row if cell.strip()]
        if len(cells) == 4 and all(re.fullmatch(r"[-+]?\d*\.?\d+(?:[eE][-+]?\d+)?", cell) for cell in cells):
            found.append([float(cell) for cell in cells])
    table = np.array(found, np.float64).reshape(-1, 4)
    whole = table[:, :3] == np.rint(table[:, :3])
    if len(table) == 0 or not whole.all() or (table < 0).any() or not np.isfinite(table).all():
        raise InputError("no table of i, j, k and a value", where=str(path), remedy="give rows of three whole numbers and a value from 0")
    return table
