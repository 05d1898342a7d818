"""`gemel conform`, `gemel ledger` and what `gemel models` says of them."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from gemel.cli import app
from gemel.flow import registry
from gemel.flow.conformance import Budget
from gemel.store import Store
from tests.contract.plugins import MODELS, system


def gemel(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "250", "TERM": "dumb"})


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An honest plug-in and one with a defect are all that is installed; results are kept in a folder of their own."""
    held: dict[str, Any] = {"height": system(MODELS["honest"]), "anything": system(MODELS["accepts_anything"])}
    monkeypatch.setenv("GEMEL_DATA", str(tmp_path))
    monkeypatch.setattr(registry, "systems", lambda: tuple(held))
    monkeypatch.setattr(registry, "system", held.__getitem__)
    monkeypatch.setattr(sys.modules["gemel.flow.conform"], "FAST", Budget("fast", 64, 4))


@pytest.mark.usefixtures("plugins")
def test_conform_says_what_failed_and_models_remembers_it() -> None:
    passed, failed = gemel("conform", "height"), gemel("conform", "anything", "--json")
    assert (passed.exit_code, failed.exit_code) == (0, 1)
    assert "conformant: 36 of 36 lines passed" in passed.stdout
    table = json.loads(failed.stdout)["table"]
    assert [row["line"] for row in table if row["passed"] is False] == ["a value of another shape"]
    listed = {row["system"]: row["conformance"] for row in json.loads(gemel("models", "--json").stdout)}
    assert listed["height"].startswith("conformant")
    assert listed["anything"].startswith("NOT CONFORMANT")
    assert "NOT CONFORMANT" in gemel("models").stdout


def test_conform_refuses_an_unknown_model_in_one_line() -> None:
    result = gemel("conform", "kidney")
    assert result.exit_code == 1
    assert "no system 'kidney'" in result.stderr


def test_the_ledger_of_a_life(lived: Store, tmp_path: Path) -> None:
    lived.close()
    told = gemel("ledger", "--store", lived.rows.path, "--out", tmp_path / "out", "--json")
    assert told.exit_code == 0, told.stderr
    value = json.loads(told.stdout)
    assert [row["scans"] for row in value["rows"]] == [2] * 9
    assert (value["trust"][0]["model"], value["trust"][0]["trusted"], value["left_out"]) == ("prostate", True, [])
    assert json.loads((tmp_path / "out" / "ledger.json").read_text())["trust"] == value["trust"]
    text = gemel("ledger", "--store", lived.rows.path, "--by", "patient").stdout
    assert "prostate 1.0.0: may decide" in text
    assert "prostate_mm[1]" in text
