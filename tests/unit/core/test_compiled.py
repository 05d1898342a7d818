"""Where compiled kernels can be kept, and what is said where nowhere is."""

import os
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gemel.cli import app
from gemel.core import compiled
from gemel.service import serve
from gemel.service.settings import Settings


def test_any_one_place_suffices(tmp_path: Path) -> None:
    closed = tmp_path / "file"  # root may write anywhere but below a file
    closed.write_text("")
    nowhere = {"HOME": str(closed)}
    assert compiled.kept(nowhere, package=tmp_path)
    assert compiled.kept({"HOME": str(tmp_path)}, package=closed)
    assert compiled.kept({**nowhere, "XDG_CACHE_HOME": str(tmp_path / "a" / "b")}, package=closed)
    assert compiled.kept({**nowhere, "NUMBA_CACHE_DIR": "/proc/x"}, package=closed)
    assert not compiled.kept(nowhere, package=closed)


def test_a_file_is_no_folder_to_write_to(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert not compiled.writable(tmp_path / "file" / "below")


def test_a_folder_that_may_not_be_looked_into_is_no_place_and_no_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The home of somebody else, as of root: what lies in it cannot even be asked for."""
    closed, stat = tmp_path / "closed", os.stat
    closed.mkdir()

    def refused(path: Any, *more: Any, **named: Any) -> os.stat_result:
        if str(path).startswith(f"{closed}/"):
            raise PermissionError(13, "Permission denied", str(path))
        return stat(path, *more, **named)

    monkeypatch.setattr(os, "stat", refused)
    monkeypatch.setattr(os, "access", lambda path, mode: str(path) != str(closed))
    assert not compiled.writable(closed / ".cache")


def test_without_a_place_a_command_says_which_variable_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "kept", lambda: False)
    done = CliRunner().invoke(app, ["models"])
    assert done.exit_code == 1
    assert "set NUMBA_CACHE_DIR" in done.output


@pytest.mark.parametrize("has", [True, False])
def test_the_service_gives_its_children_a_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has: bool) -> None:
    monkeypatch.setattr(compiled, "kept", lambda: has)
    monkeypatch.setenv("NUMBA_CACHE_DIR", "")
    serve.keep_compiled(Settings("twins.db", tmp_path))
    assert serve.os.environ["NUMBA_CACHE_DIR"] == ("" if has else str(tmp_path / "compiled"))
