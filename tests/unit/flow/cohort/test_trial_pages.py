"""A trial as a table for SQL, as Parquet, as a page, and from the command line."""

import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from gemel.cli import app
from gemel.core.errors import InputError
from gemel.flow.cohort import Trial, run
from gemel.flow.cohort.comparison import running
from gemel.flow.cohort.pages import verdict, write_trial

duckdb = pytest.importorskip("duckdb")


def gemel(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "250", "TERM": "dumb"})


def test_sql_says_what_the_table_says(finished: Trial) -> None:
    rows = finished.query("select arm, avg(true_loss) as mean, count(*) as n from trial group by arm order by arm")
    assert [row["arm"] for row in rows] == ["fixed", "hindsight", "own", "plan-1", "prior", "twin"]
    assert {row["n"] for row in rows} == {60}
    for row in rows:
        assert row["mean"] == pytest.approx(finished.values(row["arm"]).mean())
    with pytest.raises(InputError, match=r"no_such.*the table trial has patient, arm, plan, true_loss"):
        finished.query("select no_such from trial")


def test_parquet_holds_every_bit_and_what_it_is_of(finished: Trial, tmp_path: Path) -> None:
    path = finished.to_parquet(tmp_path / "it's" / "trial.parquet")
    quoted = str(path).replace("'", "''")
    with duckdb.connect() as connection:
        found = connection.execute(f"from '{quoted}'")
        assert [column[0] for column in found.description] == list(finished.columns)
        assert found.fetchall() == list(zip(*(values.tolist() for values in finished.columns.values())))
        about = dict(connection.execute(f"select key::varchar, value::varchar from parquet_kv_metadata('{quoted}')").fetchall())
    assert (about["digest"], about["seed"], about["code"]) == (finished.digest, "3", finished.code)
    assert [p.name for p in path.parent.iterdir()] == ["trial.parquet"]
    with pytest.raises(InputError, match="cannot write"):
        finished.to_parquet(path / "below a file" / "trial.parquet")


def test_without_duckdb_the_extra_is_named(finished: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "gemel.flow.cohort.table", raising=False)
    monkeypatch.delattr("gemel.flow.cohort.table", raising=False)
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(InputError, match=r"no duckdb.*gemel\[trial\]"):
        finished.query("select 1")


def test_the_page_says_what_was_found_and_of_what(finished: Trial, tmp_path: Path) -> None:
    page, data, table = write_trial(finished, tmp_path)
    text, held = page.read_text(), json.loads(data.read_text())
    assert table.stat().st_size > 1000
    for said in (verdict(finished), finished.code, finished.digest, finished.card.validity, "Virtual patients", "shift -4 mm"):
        assert said in text
    assert text.count("data:image/png;base64,") == 4
    assert "http" not in text.replace("http-equiv", "")
    assert [arm["name"] for arm in held["arms"]] == ["twin", "prior", "fixed", "plan-1", "own", "hindsight"]
    assert set(held["differences"]) == set(finished.units)
    first = held["differences"]["miss_mm"][1]
    assert (first["a"], first["b"], first["difference"]) == ("twin", "fixed", finished.paired("twin", "fixed").difference)
    for name in ("arms", "differences", "patients", "growth"):
        assert (tmp_path / f"{name}.png").read_bytes()[:4] == b"\x89PNG"


def test_the_verdict_follows_the_interval_for_all_at_once(finished: Trial) -> None:
    assert verdict(finished).startswith("twin against prior: less, miss_mm -")
    assert "no difference shown" in verdict(Trial(**{**vars_of(finished), "arms": finished.arms[1:3]}))


def vars_of(held: Trial) -> dict[str, object]:
    return {name: getattr(held, name) for name in Trial.__dataclass_fields__}


def test_one_arm_is_compared_with_hindsight_alone(installed: Path, tmp_path: Path) -> None:
    alone = run("toy", patients=6, arms=["twin"], draws=50, executor="serial")
    assert [(pair.a, pair.b) for pair in alone.pairs()] == [("twin", "hindsight")]
    assert "nothing to compare" in verdict(alone)
    assert write_trial(alone, tmp_path)[0].read_text().count("data:image/png;base64,") == 2


def test_the_running_mean_ends_at_the_trial(finished: Trial) -> None:
    difference = finished.values("twin") - finished.values("fixed")
    rows, pair = running(difference), finished.paired("twin", "fixed")
    assert rows[:, 0].tolist() == list(range(5, 61))
    assert rows[-1].tolist() == pytest.approx([60, pair.difference, pair.alone_low, pair.alone_high])
    assert running(difference[:2]).shape == (1, 4)


def test_a_trial_from_the_command_line(installed: Path, tmp_path: Path) -> None:
    asked = ("trial", "toy", "--patients", 12, "--draws", 50, "--executor", "serial", "--out", tmp_path)
    done = gemel(*asked, "--arms", "twin,plan-1", "--arms", "mine=fixed", "--json")
    assert done.exit_code == 0, done.output
    held = json.loads(done.stdout)
    assert [arm["name"] for arm in held["arms"]] == ["twin", "plan-1", "mine", "hindsight"]
    assert {p.name for p in tmp_path.iterdir()} >= {"trial.html", "trial.json", "trial.parquet"}
    assert json.loads((tmp_path / "trial.json").read_text())["digest"] == held["digest"]
    shown = gemel(*asked)
    assert shown.exit_code == 0
    assert "12 virtual patients" in shown.stdout
    assert "twin against prior" in shown.stdout


def test_the_command_line_refuses_in_one_line(installed: Path, tmp_path: Path) -> None:
    for words, said in ((("--arms", "cure"), "no plan or policy 'cure'"), (("--patients", 1), "patients = 1")):
        refused = gemel("trial", "toy", "--patients", 4, "--out", tmp_path / "no", *words)
        assert refused.exit_code == 1
        assert said in " ".join(refused.stderr.split())
        assert not (tmp_path / "no").exists()
