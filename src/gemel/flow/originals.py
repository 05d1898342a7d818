"""Original files laid out again in a folder, as they were when they were handed over."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from gemel.io.dicom_file import is_dicom
from gemel.store import Store

GZIP, NIFTI_AT, NIFTI = b"\x1f\x8b", 344, (b"n+1\0", b"n+2\0", b"ni1\0")


@contextmanager
def laid_out(store: Store, hashes: Sequence[str], name: str = "") -> Iterator[Path]:
    """The file, or a folder of the files, for as long as the block lasts; a NIfTI with its sidecar beside it.

    `name` is that of a file that is no DICOM. Raises StoreError when one is missing or altered.
    """
    with TemporaryDirectory(prefix="gemel-") as folder:
        held = [store.artefacts.get(original) for original in hashes]
        volumes = [data for data in held if _volume(data)]
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
