"""What a folder holds: one entry a DICOM file, and the choice of one series among them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydicom.dataset import Dataset

from gemel.core.errors import InputError
from gemel.io.dicom_file import is_dicom, parse, text, uid
from gemel.io.files import read_bytes

_DICOM_SUFFIXES = {".dcm", ".dicom", ".ima"}


@dataclass(frozen=True)
class Entry:
    """A DICOM file and its header without pixels."""

    path: Path
    modality: str
    series_uid: str
    localizer: bool
    header: Dataset


def scan(path: str | Path) -> list[Entry]:
    """All DICOM files of a folder; for one file, the files of its folder that share its series.

    Files without the DICM prefix are passed over, unless their name claims DICOM. Subfolders are not entered.
    """
    path = Path(path)
    if path.is_file():
        chosen = entry(path, read_bytes(path))
        siblings = [item for item in _entries(path.parent, lenient=True) if item.series_uid == chosen.series_uid and item.path != path]
        return sorted([chosen, *siblings], key=lambda item: item.path)
    if not path.is_dir():
        raise InputError("no such file or folder", where=str(path), remedy="name a DICOM file or a folder of them")
    entries = _entries(path, lenient=False)
    if not entries:
        raise InputError("no DICOM file", where=str(path), remedy="name the folder that holds the series itself")
    return entries


def entry(path: Path, data: bytes) -> Entry:
    """The header of one file. Raises InputError when it is not DICOM or damaged."""
    where = str(path)
    header = parse(data, where, pixels=False)
    localizer = "LOCALIZER" in text(header, "ImageType", where)
    return Entry(path, text(header, "Modality", where), uid(header, "SeriesInstanceUID", where), localizer, header)


def series_of(entries: Sequence[Entry], modality: str, series_uid: str, where: str) -> list[Entry]:
    """The files of the one image series of that modality, or of `series_uid`; localizers are no part of it."""
    images = [item for item in entries if item.modality == modality and not item.localizer]
    found = sorted({item.series_uid for item in images})
    if series_uid:
        images = [item for item in images if item.series_uid == series_uid]
    if not images:
        others = ", ".join(sorted({item.modality or "none" for item in entries}))
        raise InputError(
            f"no {modality} series {series_uid}".rstrip() + f" (modalities present: {others})", where=where, remedy=f"name {modality} files"
        )
    if not series_uid and len(found) > 1:
        raise InputError(f"{len(found)} {modality} series: {', '.join(found)}", where=where, remedy="choose one with series_uid=")
    return images


def only_file(path: str | Path, modality: str) -> Path:
    """The path itself when it is a file, else the one file of `modality` in the folder."""
    path = Path(path)
    if path.is_file():
        return path
    found = [item.path for item in scan(path) if item.modality == modality]
    if len(found) != 1:
        names = ", ".join(item.name for item in found) or "none"
        raise InputError(f"{len(found)} {modality} files where one is needed: {names}", where=str(path), remedy="name the file itself")
    return found[0]


def _entries(folder: Path, *, lenient: bool) -> list[Entry]:
    entries = []
    for path in sorted(item for item in folder.iterdir() if item.is_file() and not item.name.startswith(".")):
        data = read_bytes(path)
        if is_dicom(data):
            entries.append(entry(path, data))
        elif path.suffix.lower() in _DICOM_SUFFIXES and not lenient:
            raise InputError("not a DICOM file (no DICM prefix)", where=str(path), remedy="transfer it again or remove it from the folder")
    return entries
