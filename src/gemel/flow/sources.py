"""What a person hands over by kind (`ct`, `structures`, `cbct`, …): read, with whose it is, when it was made and where it came from."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from gemel import io
from gemel.core.digest import digest
from gemel.core.errors import InputError, StructureError
from gemel.core.structures import Structures
from gemel.core.system import System
from gemel.store import Store

Paths = Path | Sequence[Path] | None


@dataclass(frozen=True)
class Source:
    """One input as read: what the system is given of it (`value`), and what the record keeps of it.

    name: SeriesInstanceUID, or file name and digest; `acquired` and `studied` are ISO 8601 or empty; `identity` is None where the file
    carries none; `scanner` names the machine, or is empty.
    """

    value: Any
    name: str
    digest: str
    files: tuple[Path, ...]
    identity: io.Identity | None = None
    acquired: str = ""
    studied: str = ""
    scanner: str = ""
    series: io.Series | None = None


@dataclass(frozen=True)
class Asked:
    """What a reader may need to know: the system, names of contours (`--map`), and what was read before it."""

    system: System
    names: Mapping[str, str] | None = None
    before: Mapping[str, Source] = field(default_factory=dict)


Reader = Callable[[Path, Asked], Source]


def read(kind: str, path: Path, asked: Asked) -> Source:
    """The input of that kind. Raises InputError for a kind that no reader knows, and what the reader raises."""
    if kind not in READERS:
        raise InputError(f"no input of kind {kind!r}", where=asked.system.name, remedy=f"choose from {', '.join(READERS)}")
    return READERS[kind](path, asked)


def listed(paths: Paths) -> tuple[Path, ...]:
    """None, one path or several, as several."""
    if paths is None:
        return ()
    return (paths,) if isinstance(paths, Path) else tuple(paths)


def keep(store: Store, path: Path) -> tuple[str, ...]:
    """Hashes of the original files, kept in the store: the file, or every file of the folder."""
    files = sorted(p for p in path.iterdir() if p.is_file()) if path.is_dir() else [path]
    return tuple(store.artefacts.put(file) for file in files)


def read_image(path: Path, asked: Asked) -> Source:
    """A CT or CBCT: DICOM folder or file, or NIfTI (which carries neither identity nor time)."""
    if path.name.endswith((".nii", ".nii.gz")):
        image = io.read_nifti(path)
        made = digest(image.array)
        return Source(image, f"{path.name}#{made[:16]}", made, (path,))
    series = io.read_series(path)
    of = series.identity
    return Source(
        series.image, of.series_uid, series.digest, (path,), of, series.acquired, series.studied, scanner=series.scanner, series=series
    )


def read_contours(path: Path, asked: Asked) -> Source:
    """The structures of an RTSTRUCT on the grid of the CT read before, under the system's own names."""
    reference = next((source.series for source in asked.before.values() if source.series is not None), None)
    if reference is None:
        raise InputError("contours without the images they were drawn on", where=str(path), remedy="give the series with --ct")
    structures = standard_names(io.read_structures(path, reference, names=asked.names), asked.system)
    return Source(structures, path.name, digest(dict(structures.masks)), (path,), reference.identity)


def standard_names(read: Structures, system: System) -> Structures:
    """The structures under the system's own names. Raises StructureError for a name it does not know, or two that mean the same."""
    masks: dict[str, np.ndarray] = {}
    for name, mask in read.masks.items():
        standard = system.canonical(name)
        if standard in masks:
            raise StructureError(f"two structures that mean {standard}", where="RTSTRUCT", remedy=f"leave one out with --map {name}=")
        masks[standard] = mask
    return Structures(read.grid, masks)


READERS: Mapping[str, Reader] = {"ct": read_image, "structures": read_contours, "cbct": read_image}
