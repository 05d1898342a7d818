"""Maps of tissue as NIfTI with a JSON sidecar that states their unit: one map, or a diffusion tensor (or its diagonal) in a folder."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gemel.core.digest import digest
from gemel.core.errors import GeometryError, InputError, UnitError
from gemel.core.image import Image, same_grid, with_array
from gemel.io.nifti import read_nifti
from gemel.io.sidecar import field_of, read_fields

SHARE = {"1": 1.0, "%": 0.01}
DIFFUSIVITY_mm2_s = {"mm2/s": 1.0, "um2/ms": 1e-3, "m2/s": 1e6}
AXES, BESIDE = ("xx", "yy", "zz"), ("xy", "xz", "yz")


@dataclass(frozen=True)
class MapRead:
    """Maps in the canonical unit by name, the files they came from, and a hash of the values."""

    maps: Mapping[str, Image]
    files: tuple[Path, ...]
    digest: str


def read_share(path: str | Path) -> MapRead:
    """A map of shares (fat): NIfTI, and its Units 1 or % in the JSON beside. Raises UnitError for another unit, InputError without one."""
    path = Path(path)
    beside = path.with_name(path.name.removesuffix(".gz").removesuffix(".nii") + ".json")
    image = _scaled(path, beside, SHARE)
    return MapRead({"share": image}, (path, beside), digest(image.array))


def read_tensor(path: str | Path) -> MapRead:
    """A folder with xx, yy and zz.nii.gz, the tensor along LPS (xy, xz and yz may be there), and tensor.json with its Units.

    Raises InputError for what is missing, GeometryError for several grids, UnitError for another unit.
    """
    path = Path(path)
    if not path.is_dir():
        raise InputError("no folder of a tensor", where=str(path), remedy="give a folder with xx, yy, zz.nii.gz and tensor.json")
    found = {axis: _scaled(path / f"{axis}.nii.gz", path / "tensor.json", DIFFUSIVITY_mm2_s) for axis in _parts(path)}
    if not all(same_grid(found["xx"], image) for image in found.values()):
        raise GeometryError("parts of a tensor on several grids", where=str(path), remedy="export all parts from one fit")
    return MapRead(found, (path,), digest({axis: image.array for axis, image in found.items()}))


def _parts(path: Path) -> tuple[str, ...]:
    """The diagonal, or all six where one of the others is there."""
    return AXES + BESIDE if any((path / f"{axis}.nii.gz").exists() for axis in BESIDE) else AXES


def _scaled(path: Path, beside: Path, units: Mapping[str, float]) -> Image:
    fields = read_fields(beside)
    unit = str(field_of(fields, "Units", str(beside)))
    if unit not in units:
        raise UnitError(f"Units = {unit!r}", where=str(beside), remedy=f"write one of {', '.join(units)}")
    image = read_nifti(path, frame=str(fields.get("FrameOfReferenceUID", "")))
    return with_array(image, (image.array * np.float32(units[unit])).astype(np.float32))
