"""Original files laid out again in a folder, as they were when they were handed over."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from gemel.core.errors import StoreError
from gemel.io.dicom_file import is_dicom, parse, uid
from gemel.io.diffusion_visit import NAME, maps_named
from gemel.store import Store

GZIP, NIFTI_AT, NIFTI = b"\x1f\x8b", 344, (b"n+1\0", b"n+2\0", b"ni1\0")


@contextmanager
def laid_out(store: Store, hashes: Sequence[str], name: str = "") -> Iterator[Path]:
    """The file, or a folder of the files, for as long as the block lasts; a NIfTI with its sidecar beside it.

    `name` is that of a file that is no DICOM; a visit's maps are named by its visit.json. Raises StoreError when one is missing or altered.
    """
    with TemporaryDirectory(prefix="gemel-") as folder:
        held = [store.artefacts.get(original) for original in hashes]
        volumes = [data for data in held if _volume(data)]
        for names in filter(None, (maps_named(data) for data in held)):
            yield _visit(Path(folder), held, names)
            return
        if len(volumes) == 1 and len(held) <= 2:
            yield _beside(Path(folder), volumes[0], [data for data in held if data is not volumes[0]], name)
            return
        paths = [Path(folder) / f"{i:05d}.dcm" for i in range(len(held))]
        for path, data in zip(paths, held):
            path.write_bytes(data)
        if len(paths) == 1 and not is_dicom(held[0]):
            yield paths[0].rename(Path(folder) / (Path(name).name or "original"))
        else:
            yield paths[0] if len(paths) == 1 else Path(folder)


def _visit(folder: Path, held: Sequence[bytes], names: Sequence[str]) -> Path:
    """A folder of maps: volumes in their order, which was that of their names; DICOM series in theirs, a file or a folder each."""
    parts: dict[str, list[bytes]] = {}
    for k, data in enumerate(held):
        if _volume(data):
            parts[f"volume {k}"] = [data]
        elif is_dicom(data):
            parts.setdefault(uid(parse(data, NAME, pixels=False), "SeriesInstanceUID", NAME), []).append(data)
        else:
            (folder / NAME).write_bytes(data)
    apart = [[part for key, part in parts.items() if key.startswith("volume") == volume] for volume in (True, False)]
    named = [[name for name in names if name.endswith((".nii", ".nii.gz")) == volume] for volume in (True, False)]
    if [len(found) for found in apart] != [len(found) for found in named]:
        found = f"{len(parts)} maps where {NAME} names {len(names)}"
        raise StoreError(found, where="originals", remedy="begin the twin again from a folder that holds what it names and no more")
    for name, part in zip((*named[0], *named[1]), (*apart[0], *apart[1])):
        _put(folder / name, part)
    return folder


def _put(path: Path, files: Sequence[bytes]) -> None:
    """One file under its name, or the files of a folder."""
    single = bool(path.suffix) and len(files) == 1
    (path.parent if single else path).mkdir(parents=True, exist_ok=True)
    for k, data in enumerate(files):
        (path if single else path / f"{k:05d}.dcm").write_bytes(data)


def _volume(data: bytes) -> str:
    """`.nii.gz` or `.nii` where the bytes are a NIfTI, else nothing."""
    if data.startswith(GZIP):
        return ".nii.gz"
    return ".nii" if data[NIFTI_AT : NIFTI_AT + 4] in NIFTI and not is_dicom(data) else ""


def _beside(folder: Path, volume: bytes, sidecars: Sequence[bytes], name: str) -> Path:
    """A volume under its name, or one of its kind, and its sidecar under the same with .json."""
    stem = Path(name).name.removesuffix(".gz").removesuffix(".nii") or "original"
    for data in sidecars:
        (folder / f"{stem}.json").write_bytes(data)
    path = folder / f"{stem}{_volume(volume)}"
    path.write_bytes(volume)
    return path
