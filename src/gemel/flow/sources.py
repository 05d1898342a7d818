"""What a person hands over by kind (`ct`, `structures`, `cbct`, …): read, with whose it is, when it was made and where it came from."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from gemel import io
from gemel.core.activity import ActivityImage
from gemel.core.digest import digest
from gemel.core.errors import InputError, StructureError
from gemel.core.number import number
from gemel.core.record import Action
from gemel.core.structures import Structures
from gemel.core.system import System
from gemel.core.time import iso, seconds
from gemel.core.visit import Segmented
from gemel.store import Store

Paths = Path | Sequence[Path] | None


@dataclass(frozen=True)
class Source:
    """One input as read: what the system is given of it (`value`), and what the record keeps of it.

    name: SeriesInstanceUID, or it or a file's name with a digest;
    `acquired` and `studied` are ISO 8601 or empty; `identity` is None where the file
    carries none; `scanner` names the machine, or is empty; `told`: digest of what header or sidecar says of the voxels (clock, place);
    `stated`: by name of a value, which statement of another record it is.
    """

    value: Any
    name: str
    digest: str
    files: tuple[Path, ...]
    identity: io.Identity | None = None
    acquired: str = ""
    studied: str = ""
    scanner: str = ""
    told: str = ""
    stated: Mapping[str, Any] = field(default_factory=dict)
    series: io.Series | None = None


@dataclass(frozen=True)
class Asked:
    """What a reader may need to know: the system, names of contours (`--map`), the user's options, what was read before, what was given."""

    system: System
    names: Mapping[str, str] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    before: Mapping[str, Source] = field(default_factory=dict)
    given: tuple[Action, ...] = ()


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


def keep(store: Store, *paths: Path) -> tuple[str, ...]:
    """Hashes of the original files, kept in the store: each file, or every file of a folder."""
    files = [file for path in paths for file in (sorted(p for p in path.iterdir() if p.is_file()) if path.is_dir() else [path])]
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
    """Regions under the system's own names: an RTSTRUCT on the grid of the CT read before, or a NIfTI label map with its names beside."""
    if path.name.endswith((".nii", ".nii.gz")):
        return _labelled(path, asked)
    reference = next((source.series for source in asked.before.values() if source.series is not None), None)
    if reference is None:
        raise InputError("contours without the images they were drawn on", where=str(path), remedy="give the series with --ct")
    structures = standard_names(io.read_structures(path, reference, names=asked.names), asked.system)
    return Source(structures, path.name, digest(dict(structures.masks)), (path,), reference.identity)


def _labelled(path: Path, asked: Asked) -> Source:
    """A label map, and `{"1": "kidney_left", …}` in the JSON of the same name."""
    beside = path.with_name(path.name.removesuffix(".gz").removesuffix(".nii") + ".json")
    image, named = io.read_nifti(path), io.read_names(beside)
    own = {value: (asked.names or {}).get(name, name) for value, name in named.items()}
    _require_apart([*own.values()], path)
    masks = {name: np.rint(image.array) == value for value, name in own.items() if name}
    structures = standard_names(Structures(image, masks), asked.system)
    return Source(structures, path.name, digest(dict(structures.masks)), (path, beside), told=digest(image.affine_mm))


def _require_apart(own: Sequence[str], path: Path) -> None:
    """Raises StructureError for two labels of one name, "" aside: the second would take the place of the first."""
    if twice := sorted({name for name in own if name and own.count(name) > 1}):
        raise StructureError(f"two labels that mean {twice[0]}", where=str(path), remedy="give each its own name with --map OWN=NAME")


def standard_names(read: Structures, system: System) -> Structures:
    """The structures under the system's own names. Raises StructureError for a name it does not know, or two that mean the same."""
    masks: dict[str, np.ndarray] = {}
    for name, mask in read.masks.items():
        standard = system.canonical(name)
        if standard in masks:
            raise StructureError(f"two structures that mean {standard}", where="RTSTRUCT", remedy=f"leave one out with --map {name}=")
        masks[standard] = mask
    return Structures(read.grid, masks)


def read_scan_of_activity(path: Path, asked: Asked) -> Source:
    """A SPECT or PET in Bq/mL or counts; options that are fields of `io.Stated` go before its header.

    They tell of the first injection: of a scan after a later one the header does, and what it lacks the record of what was given.
    """
    stated = _stated(asked.options)
    found = io.read_activity(path, stated)
    later = [a for a in asked.given if a.unit == "MBq" and a.amount > 0 and a.t_s <= found.image.acquired_s]
    if later:
        last = max(later, key=lambda action: action.t_s)
        found = io.read_activity(path, replace(stated, injected=iso(last.t_s), injected_MBq=last.amount, where_silent=True))
    made = digest(found.image.image.array)
    return Source(
        found.image,
        found.identity.series_uid if found.identity else f"{path.name}#{made[:16]}",
        made,
        (path,) if found.identity else (path, path.with_name(path.name.removesuffix(".gz").removesuffix(".nii") + ".json")),
        found.identity,
        iso(found.image.acquired_s),
        scanner=found.scanner,
        told=_told(found.image),
    )


def _told(scan: ActivityImage) -> str:
    """Another clock, injection, unit or place makes another twin of the same voxels."""
    said = {name: value for name, value in vars(scan).items() if name not in ("image", "source")}
    return digest({name: str(value) for name, value in said.items()} | {"affine_mm": scan.image.affine_mm})


def _stated(options: Mapping[str, Any]) -> io.Stated:
    """What the options say of the image. Raises InputError for what is no number, or no moment that values are corrected to."""
    moment = options.get("decay_corrected_to")
    if moment not in (None, "none", "start", "injection"):
        raise InputError(f"values corrected for decay to {moment!r}", where="--decay-corrected-to", remedy="say none, start or injection")
    injected_MBq, duration_s, factor = (
        number(options.get(name, math.nan), name) for name in ("injected_MBq", "duration_s", "Bq_mL_per_unit")
    )
    return io.Stated(
        nuclide=str(options.get("nuclide", "")),
        injected=str(options.get("injected", "")),
        injected_MBq=injected_MBq,
        duration_s=duration_s,
        decay_corrected_to=moment,
        Bq_mL_per_unit=factor,
    )


def read_pet(path: Path, asked: Asked) -> Source:
    """A PET, with what its own header says alone: options and record tell of the therapy's injections."""
    return read_scan_of_activity(path, replace(asked, options={}, given=()))


def read_values(path: Path, asked: Asked) -> Source:
    """Laboratory values of one time."""
    labs = io.read_labs(path)
    identity = io.Identity(labs.patient_id) if labs.patient_id else None
    return Source(labs.values, f"{path.name}#{labs.digest[:16]}", labs.digest, (path,), identity, labs.at, stated=labs.stated)


def read_visit(path: Path, asked: Asked) -> Source:
    """The segmentation of one MRI visit, regions under the system's own names."""
    found = io.read_visit(path)
    own = {name: (asked.names or {}).get(name, name) for name in found.structures.masks}
    _require_apart([*own.values()], path)
    kept = Structures(found.structures.grid, {own[name]: mask for name, mask in found.structures.masks.items() if own[name]})
    name = f"{(found.identity.series_uid if found.identity else '') or path.name}#{found.digest[:16]}"
    value = Segmented(standard_names(kept, asked.system), seconds(found.acquired), name)
    told = digest({"acquired": found.acquired, "frame": kept.grid.frame, "affine_mm": kept.grid.affine_mm})
    return Source(value, name, found.digest, found.files, found.identity, found.acquired, told=told)


def read_diffusion(path: Path, asked: Asked) -> Source:
    """Diffusion, outline, drug supply and tissue of one MRI visit: a folder with its `visit.json`."""
    found = io.read_diffusion_visit(path)
    folders = (path, *sorted(inner for inner in path.iterdir() if inner.is_dir()))
    identity = found.identity or (io.Identity(found.patient_id) if found.patient_id else None)
    return Source(found.visit, found.visit.source, found.digest, folders, identity, found.acquired)


def read_plan_dose(path: Path, asked: Asked) -> Source:
    """A dose in Gy: RTDOSE, or a NIfTI on the same frame as the images."""
    image = io.read_nifti(path) if path.name.endswith((".nii", ".nii.gz")) else io.read_dose(path)
    made = digest(image.array)
    return Source(image, f"{path.name}#{made[:16]}", made, (path,), told=digest({"frame": image.frame, "affine_mm": image.affine_mm}))


def read_fat(path: Path, asked: Asked) -> Source:
    """A map of the share of fat."""
    found = io.read_share(path)
    return Source(found.maps["share"], f"{path.name}#{found.digest[:16]}", found.digest, found.files)


def read_dti(path: Path, asked: Asked) -> Source:
    """A tensor of diffusion along LPS, or its diagonal: a folder."""
    found = io.read_tensor(path)
    return Source(dict(found.maps), f"{path.name}#{found.digest[:16]}", found.digest, found.files)


def read_quality(path: Path, asked: Asked) -> Source:
    """One day's check of a scanner: a folder of slices of a phantom, with the tube's log."""
    found = io.read_quality(path)
    return Source(found.day, found.day.source, found.digest, (path,), acquired=found.acquired, scanner=found.day.scanner)


READERS: Mapping[str, Reader] = {
    "ct": read_image,
    "structures": read_contours,
    "cbct": read_image,
    "spect": read_scan_of_activity,
    "pet": read_pet,
    "labs": read_values,
    "mri": read_visit,
    "dose": read_plan_dose,
    "white": read_image,
    "grey": read_image,
    "baseline": read_diffusion,
    "visit": read_diffusion,
    "fat": read_fat,
    "dti": read_dti,
    "baseline_qc": read_quality,
    "qc": read_quality,
}
