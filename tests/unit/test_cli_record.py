"""The commands of the record on the command line: what changed, withdrawn, computed again, replayed, handed on, erased."""

import json
import re
import shlex
from pathlib import Path

import pytest

from gemel import store
from tests.unit.flow import heights
from tests.unit.test_cli import answer, gemel, refusal

PAGE = Path(__file__).resolve().parents[2] / "docs" / "record.md"
COMMANDS = ("diff", "retract", "recompute", "replay", "export", "load", "erase")


@pytest.fixture
def lived(tower: store.Store, files: Path) -> tuple[str, Path]:
    """A twin's id and the file of its record."""
    twin = heights.begun(tower, files)
    heights.live(tower, twin, files, [1, 2, 3])
    tower.close()
    return twin, tower.rows.path


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself_and_takes_json(name: str) -> None:
    text = gemel("twin", name, "--help").stdout
    assert "Usage: " in text
    assert "--json" in text
    assert "--store" in text


def test_diff_retract_recompute_replay(lived: tuple[str, Path]) -> None:
    twin, at = lived
    changed = answer("twin", "diff", twin, "2", "10", "--store", at)
    assert [row["name"] for row in changed["moved"] if row["of"] == "expected"] == ["height_mm"]
    assert "because of" in gemel("twin", "diff", twin, "2", "10", "--store", at).stdout
    assert answer("twin", "diff", twin, "--as-of", "2026-03-03T09:00,2026-03-04T09:00", "--store", at)["moved"]
    taken = answer("twin", "retract", twin, "9", "--reason", "another patient", "--store", at)
    assert (taken["withdrawn"], [row["kind"] for row in taken["restated"]]) == (9, ["Acted", "Observed", "Acted"])
    assert [row["kind"] for row in answer("twin", "recompute", twin, "--store", at)] == ["Forecast", "Assimilated", "Outcome", "Decided"]
    assert "nothing rests on what was withdrawn" in gemel("twin", "recompute", twin, "--store", at).stdout
    again = answer("twin", "replay", twin, "--store", at)
    assert (again["identical"], again["leaf"]) == (True, None)
    assert "comes out the same to the last bit" in gemel("twin", "replay", twin, "--quick", "--version", "5", "--store", at).stdout
    shown = gemel("twin", "show", twin, "--store", at).stdout
    assert "withdrew version 9 (Observed): another patient" in shown
    assert "(no longer counts)" in shown


def test_a_replay_that_differs_ends_with_1_and_names_the_entry(lived: tuple[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    twin, at = lived
    monkeypatch.setattr("gemel.flow.replaying.belief_digest", lambda belief: "0" * 64)
    result = gemel("twin", "replay", twin, "--store", at)
    assert result.exit_code == 1
    assert "not the same from version 5, Assimilated of 2026-03-03T09:00:00Z: its belief was" in result.stdout


def test_export_and_load(lived: tuple[str, Path], tmp_path: Path) -> None:
    twin, at = lived
    sent = answer("twin", "export", twin, tmp_path / "x.zip", "--deidentify", "--store", at)
    assert sent["twin"] != twin
    assert "there already" in refusal("twin", "export", twin, tmp_path / "x.zip", "--store", at)
    assert "choose one of them" in refusal("twin", "export", twin, tmp_path / "y.zip", "--deidentify", "--with-person", "--store", at)
    got = answer("twin", "load", tmp_path / "x.zip", "--seal", sent["seal"], "--store", tmp_path / "other.db")
    assert (got["twin"], got["compared"]) == (sent["twin"], True)
    assert got["belief"] == answer("twin", "show", twin, "--store", at)["belief"]
    assert "already" in refusal("twin", "load", tmp_path / "x.zip", "--store", tmp_path / "other.db")
    assert "no file" in refusal("twin", "load", tmp_path / "none.zip", "--store", tmp_path / "third.db")
    assert not (tmp_path / "third.db").exists()


def test_export_with_a_key_of_its_own(lived: tuple[str, Path], tmp_path: Path) -> None:
    twin, at = lived
    (tmp_path / "key").write_bytes(bytes(range(32)))
    names = [
        answer("twin", "export", twin, tmp_path / f"{i}.zip", "--deidentify", "--key", tmp_path / "key", "--store", at)["twin"]
        for i in range(2)
    ]
    assert names[0] == names[1]
    assert "no key" in refusal("twin", "export", twin, tmp_path / "z.zip", "--deidentify", "--key", tmp_path / "none", "--store", at)


def test_erase_asks_first(lived: tuple[str, Path]) -> None:
    twin, at = lived
    asked = gemel("twin", "erase", twin, "--reason", "asked", "--store", at)
    assert asked.exit_code == 1
    assert answer("twin", "show", twin, "--store", at)["id"] == twin
    assert answer("twin", "erase", twin, "--reason", "asked", "--yes", "--store", at)["artefacts"]
    assert "a twin that was erased: asked" in refusal("twin", "show", twin, "--store", at)
    assert "nothing is left to erase" in refusal("twin", "erase", twin, "--reason", "again", "--yes", "--store", at)


def test_refusals_are_one_line(lived: tuple[str, Path]) -> None:
    twin, at = lived
    for words, found in (
        (("diff", twin, "3", "3"), "version 3 twice"),
        (("diff", twin, "1", "99"), "version 99"),
        (("diff", twin, "--as-of", "noon"), "write it as 2026-01-31T08:30"),
        (("diff", twin, "3", "0"), "version 0"),
        (("diff", twin, "1", "2", "--as-of", "2026-03-03"), "versions beside times"),
        (("export", twin, "never.zip", "--key", __file__), "--key without --deidentify"),
        (("export", twin, "never.zip", "--keep-characteristics"), "--keep-characteristics without --deidentify"),
        (("retract", twin, "99", "--reason", "x"), "no entries '99'"),
        (("recompute", "nobody"), "no twin 'nobody'"),
        (("replay", twin, "--version", "99"), "versions 1 to"),
    ):
        assert found in refusal("twin", *words, "--store", at)
    assert not Path("never.zip").exists()


def test_the_page_about_the_record_is_run_line_by_line(
    tower: store.Store, files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tower.close()
    monkeypatch.chdir(files)
    known = {"ID": "", "SEAL": "", "whole.zip": str(tmp_path / "whole.zip"), "hidden.zip": str(tmp_path / "hidden.zip")}
    known["elsewhere.db"] = str(tmp_path / "elsewhere.db")
    ran = []
    for line in re.findall(r"^ {4}gemel (.*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE):
        words = shlex.split(line.replace("prostate --ct ct --structures RTSTRUCT.dcm", "height --ct ct"))
        held = () if "--store" in words else ("--store", str(tower.rows.path))
        result = gemel(*(known.get(word, word) for word in words), *held, "--json")
        assert result.exit_code == 0, f"{line}: {result.output}"
        value = json.loads(result.stdout)
        ran.append(words[1])
        if words[1] == "new":
            known["ID"] = value["id"]
        if words[1] == "export":
            known["SEAL"] = value["seal"]
        if words[1] == "retract":
            assert "Observed" in {row["kind"] for row in value["restated"]}
    assert set(COMMANDS) <= set(ran)
