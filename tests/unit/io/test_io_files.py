"""Whole files or nothing."""

import errno
import os
from pathlib import Path

import pytest

from gemel.core.errors import InputError
from gemel.io.files import write_atomic, write_folder_atomic


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """fsync fails, as it does when the disk is full."""

    def fail(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fail)


def test_a_full_disk_leaves_the_old_file_and_no_part_of_the_new(tmp_path: Path, full_disk: None) -> None:
    path = tmp_path / "RD.dcm"
    path.write_bytes(b"old")
    with pytest.raises(InputError, match=r"No space left on device.*RD\.dcm.*free disk space"):
        write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_leaves_no_part_of_a_folder(tmp_path: Path, full_disk: None) -> None:
    with pytest.raises(InputError, match="No space left on device"):
        write_folder_atomic(tmp_path / "ct", {"a": b"1", "b": b"2"})
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_place_of_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ct").write_bytes(b"")
    with pytest.raises(InputError, match="a file where a folder is to be written"):
        write_folder_atomic(tmp_path / "ct", {"a": b"1"})


def test_a_file_is_replaced_by_rename_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "RD.dcm"
    write_atomic(path, b"old")
    before = path.stat().st_ino
    write_atomic(path, b"new")
    assert path.read_bytes() == b"new"
    assert path.stat().st_ino != before
    assert list(tmp_path.iterdir()) == [path]


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "ct").mkdir()
    write_folder_atomic(tmp_path / "ct", {"a": b"1"})
    assert (tmp_path / "ct" / "a").read_bytes() == b"1"
    assert os.listdir(tmp_path) == ["ct"]
