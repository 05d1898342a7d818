"""Answers on the disk: how many there are of a twin, and which code they are of."""

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from gemel.service.api import kept


def test_of_a_twin_the_newest_answers_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Anybody may ask for any moment: the disk does not fill with the answers."""
    monkeypatch.setattr(kept, "MOST", 3)
    stamp = ("twin", "1", "0", "seal")
    for n in range(5):
        kept.keep(tmp_path, stamp, (str(n),), b"an answer")
        for path in tmp_path.rglob(f"*{kept.SUFFIX}"):
            os.utime(path, (path.stat().st_mtime - 10.0,) * 2)  # the disk's clock may be coarse
    assert [kept.find(tmp_path, stamp, (str(n),)) for n in range(5)] == [None, None, *[b"an answer"] * 3]
    kept.keep(tmp_path, ("twin", "2", "0", "seal"), ("0",), b"a newer one")
    assert len([*tmp_path.rglob(f"*{kept.SUFFIX}")]) == 1


def test_the_code_of_a_system_in_a_file_of_its_own_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(kept, "entry_points", lambda group: [SimpleNamespace(module="system_in_a_file")])
    codes = []
    for text in ("A = 1\n", "A = 2\n"):
        (tmp_path / "system_in_a_file.py").write_text(text)
        codes.append(kept.code.__wrapped__())
    assert codes[0] != codes[1]
