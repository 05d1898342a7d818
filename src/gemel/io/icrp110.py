"""ICRP reference computational phantoms in: a file of organ numbers and its table of organs → a label map with densities.

The data are under ICRP's terms and are not part of gemel: the user brings them (Publication 110, Ann ICRP 39(2), 2009).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool

from gemel.core.errors import GeometryError, InputError, StructureError
from gemel.core.image import Array, Image, with_array
from gemel.io.files import read_bytes

GRIDS = {"AM": ((254, 127, 222), (2.137, 2.137, 8.0)), "AF": ((299, 137, 348), (1.775, 1.775, 4.84))}
"""Columns, rows, slices, and their size in mm: ICRP 110, table 5.1."""
AIR_G_CM3 = 0.001
_ROW = re.compile(r"\s*(?P<number>\d+)\s+(?P<name>\S.*?)\s+(?P<tissue>\d+)\s+(?P<density>\d+\.\d+)\s*")


@dataclass(frozen=True)
class Organ:
    """A row of the table: name, number of the tissue's composition, density."""

    name: str
    tissue: int
    density_g_cm3: float


@dataclass(frozen=True)
class LabelledPhantom:
    """Organ number of every voxel (0: outside), along LPS, and the organs by number."""

    labels: Image
    organs: Mapping[int, Organ]


def read_icrp110(
    path: str | Path,
    organs: str | Path,
    *,
    shape: tuple[int, int, int] | None = None,
    spacing_mm: tuple[float, float, float] | None = None,
) -> LabelledPhantom:
    """`AM.dat` or `AF.dat` with `AM_organs.dat`: whole numbers by column, row and slice, the column changing fastest.

    Columns run from right to left, rows from front to back, slices from the feet up: LPS. Another grid is stated by `shape` and
    `spacing_mm`. Raises GeometryError for a file of another length, InputError for what are no numbers and for organs without a row.
    """
    path = Path(path)
    known = GRIDS.get(path.stem.upper()[:2])
    if shape is None or spacing_mm is None:
        if known is None:
            raise GeometryError(
                "a phantom of unknown size", where=str(path), remedy="state shape and spacing_mm, or name it AM.dat or AF.dat"
            )
        shape, spacing_mm = known
    table = read_organs(organs)
    try:
        numbers = np.array(read_bytes(path).split(), dtype=np.int16)
    except (ValueError, OverflowError) as error:
        raise InputError(f"not organ numbers ({str(error)[:60]})", where=str(path), remedy="give the ASCII file of the phantom") from error
    if numbers.size != np.prod(shape):
        found = f"{numbers.size} voxels where {shape} needs {int(np.prod(shape))}"
        raise GeometryError(found, where=str(path), remedy="give the whole file, or its own shape")
    missing = sorted(set(np.unique(numbers).tolist()) - {0} - set(table))
    if missing:
        raise InputError(f"organ {missing[0]} without a row in the table", where=str(organs), remedy="give the table of this phantom")
    labels = numbers.reshape(shape[::-1]).transpose(2, 1, 0)
    return LabelledPhantom(Image(np.ascontiguousarray(labels), np.diag([*spacing_mm, 1.0])), table)


def read_organs(path: str | Path) -> dict[int, Organ]:
    """Rows of number, name, tissue and density; other lines are headings. Raises InputError for none, and a number twice."""
    found: dict[int, Organ] = {}
    for line in read_bytes(Path(path)).decode("latin-1").splitlines():
        row = _ROW.fullmatch(line)
        if row is None:
            continue
        number = int(row["number"])
        if number in found:
            raise InputError(f"organ {number} twice", where=str(path), remedy="give the table of one phantom")
        found[number] = Organ(row["name"].strip(), int(row["tissue"]), float(row["density"]))
    if not found:
        raise InputError("no organ", where=str(path), remedy="give rows of number, name, tissue and density")
    return found


def density_of(phantom: LabelledPhantom) -> Image:
    """Density (g/cm³) of every voxel; air outside."""
    table = np.full(1 + max(phantom.organs), AIR_G_CM3, np.float32)
    for number, organ in phantom.organs.items():
        table[number] = organ.density_g_cm3
    table[0] = AIR_G_CM3
    return with_array(phantom.labels, table[phantom.labels.array])


def mask_of(phantom: LabelledPhantom, words: str) -> Bool[Array, "x y z"]:
    """All organs whose name begins with the words. Raises StructureError when there is none."""
    numbers = [number for number, organ in phantom.organs.items() if organ.name.lower().startswith(words.lower())]
    if not numbers:
        raise StructureError(f"no organ that begins with {words!r}", where="ICRP 110", remedy="see the names of the table")
    return np.isin(phantom.labels.array, numbers)
