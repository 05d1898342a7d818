"""Whole files in and out: bytes read once and hashed, bytes written under a temporary name and then renamed."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from gemel.core.errors import InputError


def read_bytes(path: Path) -> bytes:
    """The file's content. Raises InputError when it is absent, a folder, or cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(
            f"cannot read the file ({error.strerror})", where=str(path), remedy="check the path and its permissions"
        ) from error


def digest(data: bytes) -> str:
    """SHA-256 of the content, as 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def write_atomic(path: str | Path, data: bytes) -> None:
    """Write to a temporary name in the same folder, fsync, rename: a reader sees the old file, the new file, never a part."""
    path = Path(path)
    name = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp", delete=False) as file:
            name = file.name
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o644)
        os.replace(name, path)
    except OSError as error:
        if name:
            Path(name).unlink(missing_ok=True)
        raise _unwritable(path, error) from error


def write_folder_atomic(folder: str | Path, files: Mapping[str, bytes]) -> None:
    """Write all files beside `folder` and rename the whole, so that a crash never leaves part of a series.

    A folder that exists is accepted only when it is empty or holds these files already (beside others, such as contours); otherwise
    InputError, and nothing is written.
    """
    folder = Path(folder)
    if folder.exists():
        if not folder.is_dir():
            raise InputError("a file where a folder is to be written", where=str(folder), remedy="name another folder")
        if any(folder.iterdir()):
            _require_equal(folder, files)
            return
    stage = folder.parent / f".{folder.name}.{os.getpid()}.tmp"
    try:
        stage.mkdir(parents=True)
        for name, data in files.items():
            (stage / name).write_bytes(data)
        for name in files:  # all written, then all forced to disk: one flush serves many
            with (stage / name).open("rb") as file:
                os.fsync(file.fileno())
        os.replace(stage, folder)
    except OSError as error:
        raise _unwritable(folder, error) from error
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _require_equal(folder: Path, files: Mapping[str, bytes]) -> None:
    present = {item.name: item for item in folder.iterdir()}
    same = all(name in present and present[name].is_file() and read_bytes(present[name]) == data for name, data in files.items())
    if not same:
        raise InputError(
            f"a folder that already holds {len(present)} other files", where=str(folder), remedy="write to an empty or new folder"
        )


def _unwritable(path: Path, error: OSError) -> InputError:
    return InputError(f"cannot write ({error.strerror})", where=str(path), remedy="free disk space or choose a folder that can be written")
