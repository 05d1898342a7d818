"""The command line: help for everything, JSON for scripts, failures in one line with the remedy and exit code 1."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from gemel import flow
from gemel.cli import app
from gemel.store import Store
from tests.unit.flow.life import DRAWS, START, Life, make_quick

SUBCOMMANDS = ("new", "prepare", "observe", "decide", "adapt", "check", "act", "show", "report")


def gemel(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "200", "TERM": "dumb", "USER": "tester"})


def answer(*words: object) -> Any:
    """The JSON that a command prints, alone on stdout."""
    result = gemel(*words, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def refusal(*words: object) -> str:
    """The one line that a failing command says on stderr."""
    result = gemel(*words)
    assert result.exit_code == 1, result.output
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("gemel: ")
    return lines[0]


def place(record: Store) -> Path:
    """The file of a record, closed, for a command to open."""
    record.close()
    return record.rows.path


def test_help_names_every_command_and_the_notice() -> None:
    text = gemel("--help").stdout
    assert "Not a medical device" in text
    assert all(name in text for name in ("twin", "models", "demo", "version"))
    listed = gemel("twin", "--help").stdout
    assert all(name in listed for name in SUBCOMMANDS)


@pytest.mark.parametrize("name", SUBCOMMANDS)
def test_every_subcommand_explains_itself_and_takes_json(name: str) -> None:
    result = gemel("twin", name, "--help")
    assert result.exit_code == 0
    assert "--json" in result.stdout
    assert "--store" in result.stdout
    assert "Usage: " in result.stdout


def test_version_comes_with_the_notice() -> None:
    assert "Not a medical device" in gemel("version").stdout


def test_models_lists_what_is_installed_with_its_evidence() -> None:
    rows = {row["system"]: row for row in answer("models")}
    assert {"prostate", "theranostics"} <= set(rows)
    assert rows["prostate"]["model"] == "prostate_radiotherapy"
    assert all(rows[system][name] for system in ("prostate", "theranostics") for name in ("version", "question", "evidence"))
    assert "prostate_radiotherapy" in gemel("models").stdout


def test_new_prints_the_id(life: Life, tmp_path: Path) -> None:
    made = answer("twin", "new", "prostate", "--ct", life.ct, "--structures", life.structures, "--store", tmp_path / "t.db")
    assert made["id"] == life.id
    assert isinstance(made["notes"], list)
    shown = answer("twin", "show", life.id, "--store", tmp_path / "t.db")
    assert (shown["id"], shown["badge"], shown["version"]) == (life.id, "model", 1)


def test_new_maps_names(life: Life, tmp_path: Path) -> None:
    words = ("twin", "new", "prostate", "--ct", life.ct, "--structures", life.structures, "--store", tmp_path / "t.db")
    without = answer(*words, "--map", "DIL=", "--map", "URETHRA=")
    assert without["id"] != life.id


def test_show_as_json_and_as_of_a_time(lived: Store, life: Life) -> None:
    at = place(lived)
    now, then = (
        answer("twin", "show", life.id, "--store", at),
        answer("twin", "show", life.id, "--store", at, "--as-of", "2026-03-03T09:00"),
    )
    assert (now["badge"], now["belief"]) == life.seen["act 2"]
    assert (then["badge"], then["belief"]) == life.seen["observe 1"]
    assert {"name", "median", "low", "high"} == set(now["expected"][0])
    assert life.id in gemel("twin", "show", life.id, "--store", at).stdout


def test_decide_then_act_as_json(lived: Store, life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow, "decide", partial(flow.decide, draws=DRAWS))
    at = place(lived)
    decided = answer("twin", "decide", life.id, "--store", at)
    assert decided["recommended"] == decided["options"][0]["name"]
    assert decided["reason"]
    assert "given on this scan already" in refusal("twin", "act", life.id, "--plan", "clinical", "--store", at)
    given = answer("twin", "act", life.id, "--plan", "clinical", "--note", "by choice", "--another", "--store", at)
    assert (given["plan"], given["recommended"], given["note"]) == ("clinical", decided["recommended"], "by choice")
    assert (
        "recorded: clinical at 2026-03-04T09:00:00Z"
        in gemel("twin", "act", life.id, "--plan", "clinical", "--another", "--store", at).stdout
    )


def test_adapt_as_json_then_as_text(lived: Store, life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    make_quick(monkeypatch)
    at = place(lived)
    decided = answer("twin", "adapt", life.id, "--from", "clinical", "--seconds", "300", "--store", at)
    assert "adapted-2026-03-04" in {option["name"] for option in decided["options"]}
    shown = gemel("twin", "show", life.id, "--store", at).stdout
    assert "adapted-2026-03-04 from clinical" in shown
    assert "given so far, 2 of 2" in shown
    assert "registrations" in shown


def test_check_says_how_to_write_an_error_left_in(lived: Store, life: Life) -> None:
    store = ("--store", place(lived))
    for wrong in ("couch_mm", "couch_mm=left", "couch_mm=1,x,0"):
        assert "write it as --left NAME=VALUE or NAME=X,Y,Z" in refusal("twin", "check", life.id, "--left", wrong, *store)


@pytest.mark.usefixtures("quick")
def test_observe_as_json(prepared: Store, life: Life) -> None:
    seen = answer("twin", "observe", life.id, "--cbct", life.cbct(1), "--store", place(prepared))
    assert seen["belief"] == life.seen["observe 1"][1]
    assert {row["kind"] for row in seen["observations"]} >= {"setup_mm", "prostate_mm"}


def test_the_store_may_be_named_by_the_environment(lived: Store, life: Life) -> None:
    result = CliRunner().invoke(app, ["twin", "show", life.id, "--json"], env={"GEMEL_STORE": str(place(lived))})
    assert json.loads(result.stdout)["id"] == life.id


def test_failures_say_what_where_and_the_remedy(lived: Store, life: Life) -> None:
    at = place(lived)
    store = ("--store", at)
    assert f"no twin 'nobody' — the store holds {life.id}" in refusal("twin", "show", "nobody", *store)
    assert "no plan 'day-99'" in refusal("twin", "act", life.id, "--plan", "day-99", *store)
    assert "observed already" in refusal("twin", "observe", life.id, "--cbct", life.cbct(1), *store)
    assert "write it as 2026-01-31T08:30" in refusal("twin", "show", life.id, "--as-of", "noon", *store)
    assert "at that time" in refusal("twin", "show", life.id, "--as-of", "2020-01-01", *store)


def test_a_store_that_is_not_there_is_not_made_by_looking_for_it(tmp_path: Path) -> None:
    assert "no record" in refusal("twin", "show", "anyone", "--store", tmp_path / "none.db")
    assert list(tmp_path.iterdir()) == []


def test_new_says_how_to_write_a_map_and_which_systems_there_are(life: Life, tmp_path: Path) -> None:
    planning = ("--ct", life.ct, "--structures", life.structures, "--store", tmp_path / "t.db")
    assert "write it as --map OWN=NAME" in refusal("twin", "new", "prostate", *planning, "--map", "DIL")
    said = refusal("twin", "new", "kidney", *planning)
    assert "installed are" in said
    assert "prostate, theranostics" in said
    assert "correct the name" in refusal("twin", "new", "prostate", *planning, "--map", "PTV_final2=CTV")
    assert "Prostate is none" in refusal("twin", "new", "prostate", *planning, "--map", "DIL=Prostate is none")


def test_a_refused_new_leaves_no_store_behind(life: Life, tmp_path: Path) -> None:
    at = tmp_path / "t.db"
    refusal("twin", "new", "prostate", "--ct", life.ct, "--structures", life.structures, "--store", at, "--map", "CTV=")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("own", ["PTV[1]", "[/]", "[/x]", "[bold]"])
def test_brackets_in_a_name_come_out_as_they_went_in(life: Life, tmp_path: Path, own: str) -> None:
    words = ("twin", "new", "prostate", "--ct", life.ct, "--structures", life.structures, "--store", tmp_path / "t.db")
    assert f"--map {own}" in refusal(*words, "--map", own)


def test_a_path_that_does_not_exist_is_a_matter_of_usage(tmp_path: Path) -> None:
    result = gemel("twin", "new", "prostate", "--ct", tmp_path / "none", "--structures", tmp_path / "none", "--store", tmp_path / "t.db")
    assert result.exit_code == 2
    assert "does not exist" in result.stderr
    assert not (tmp_path / "t.db").exists()


def test_the_twin_of_the_command_line_starts_when_the_ct_was_taken(life: Life, tmp_path: Path) -> None:
    at = tmp_path / "t.db"
    answer("twin", "new", "prostate", "--ct", life.ct, "--structures", life.structures, "--time", "2026-03-01T08:00", "--store", at)
    assert answer("twin", "show", life.id, "--store", at)["at"] == "2026-03-01T08:00:00Z" != START
