"""Original files laid out again in a folder, as they were when they were handed over."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from gemel.io.dicom_file import is_dicom
from gemel.store import Store


@contextmanager
def laid_out(store: Store, hashes: Sequence[str], name: str = "") -> Iterator[Path]:
    """The file, or a folder of the files, for as long as the block lasts. `name` is that of a file that is no DICOM.

    Raises StoreError when one is missing or altered.
    """
    with TemporaryDirectory(prefix="gemel-") as folder:
        paths = [Path(folder) / f"{i:05d}.dcm" for i in range(len(hashes))]
        for path, original in zip(paths, hashes):
            path.write_bytes(store.artefacts.get(original))
        if len(paths) == 1 and not is_dicom(paths[0].read_bytes()):
            yield paths[0].rename(Path(folder) / (Path(name).name or "original"))
        else:
            yield paths[0] if len(paths) == 1 else Path(folder)
