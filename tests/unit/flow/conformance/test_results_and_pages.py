"""Results are of one code and no other; cards are written whole; the list of models says what is known of each."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gemel import flow
from gemel.core.card import Evidence, Examination, Picture, read_card
from gemel.core.errors import ConformanceError, InputError
from gemel.core.model import Model
from gemel.flow import registry
from gemel.flow.conform import conform
from gemel.flow.conformance import FAST, Budget, code_digest, keep, kept, write
from gemel.flow.conformance.pages import verdict
from gemel.flow.conformance.results import as_json, from_json
from gemel.flow.data_folder import data_folder
from tests.contract import plugins
from tests.contract.plugins import CARD, MODELS, system

TABLE = (
    Evidence("coverage", "height_mm", "85 to 95 %", 0.91, 0.88, 0.94, True),
    Evidence("replay", "a late scan", "the same | belief", 0.0, 0.0, 0.0, False, "it <differs>"),
    Evidence("identifiability", "idle_rate_1_d", "posterior sd / prior sd", 1.0, -np.inf, np.inf, None, "not informed"),
)
HONEST = system(MODELS["honest"])


def examination(budget: str = "fast") -> Examination:
    return Examination("height", "height", "1.0", code_digest("height", HONEST), budget, 64, TABLE)


def test_a_result_survives_json() -> None:
    held, again = examination(), from_json(as_json(examination()))
    assert again.table[:2] == held.table[:2]
    assert np.isnan([again.table[2].low, again.table[2].high]).all()
    assert replace(again, table=()) == replace(held, table=())
    with pytest.raises(ConformanceError, match="not a result"):
        from_json("{}")


def test_a_result_is_found_for_its_own_code_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(examination(), tmp_path)
    found = kept("height", HONEST, tmp_path)
    assert found is not None
    assert not found.conformant
    assert kept("breadth", HONEST, tmp_path) is None
    copy = tmp_path / "plugin.py"
    copy.write_text(Path(str(plugins.__file__)).read_text() + "\n")
    monkeypatch.setattr(plugins, "__file__", str(copy))  # another byte of code is another model
    assert kept("height", HONEST, tmp_path) is None


def test_a_result_shipped_beside_the_plugin_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = tmp_path / "plugin.py"
    copy.write_text("")
    monkeypatch.setattr(plugins, "__file__", str(copy))
    assert kept("height", HONEST, tmp_path / "none") is None
    (tmp_path / "conformance.json").write_text(as_json(examination()))
    assert kept("height", HONEST, tmp_path / "none") is not None
    copy.write_text("changed = True\n")
    assert kept("height", HONEST, tmp_path / "none") is None


def test_a_fast_result_does_not_replace_a_full_one(tmp_path: Path) -> None:
    for budget, held in (("fast", "fast"), ("full", "full"), ("fast", "full")):
        keep(examination(budget), tmp_path)
        found = kept("height", HONEST, tmp_path)
        assert found is not None
        assert found.budget == held


def test_results_lie_in_the_folder_for_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("GEMEL_DATA", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert data_folder() == tmp_path / "gemel"
    monkeypatch.setenv("GEMEL_DATA", str(tmp_path / "own"))
    assert data_folder() == tmp_path / "own"


def test_the_card_is_written_three_times(tmp_path: Path) -> None:
    picture = Picture("ranks", "Ranks of nothing.", b"\x89PNG")
    card = replace(read_card(CARD), examination=replace(examination(), pictures=(picture,)))
    page, text, data = (path.read_text() for path in write(card, tmp_path))
    assert (tmp_path / "ranks.png").read_bytes() == b"\x89PNG"
    for held in (page, text):
        assert "NOT CONFORMANT: 1 of 2 lines passed, 64 patients, fast; failed: replay (a late scan)" in held
        assert "0.88 to 0.94" in held
    assert "| coverage | height_mm | 85 to 95 % | 0.91 | 0.88 to 0.94 | pass |  |" in text
    assert "the same \\| belief" in text
    assert "it &lt;differs&gt;" in page
    assert 'src="data:image/png;base64,iVBORw=="' in page
    assert "http" not in page
    assert json.loads(data)["examination"]["table"][1]["passed"] is False
    assert json.loads(data)["influence"] == "None."
    with pytest.raises(ConformanceError, match="gemel conform"):
        write(read_card(CARD), tmp_path)


def test_conform_keeps_the_result_and_the_list_of_models_shows_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMEL_DATA", str(tmp_path))
    held = {"height": HONEST, "anything": system(MODELS["accepts_anything"])}
    monkeypatch.setattr(registry, "systems", lambda: tuple(held))
    monkeypatch.setattr(registry, "system", held.__getitem__)
    monkeypatch.setattr(sys.modules["gemel.flow.conform"], "FAST", Budget("fast", 64, 4))
    assert [row.conformance for row in flow.models()] == ["not examined: gemel conform height", "not examined: gemel conform anything"]
    assert conform("anything", folder=tmp_path / "card").examination is not None
    conform("height")
    rows = {row.system: row.conformance for row in flow.models()}
    assert rows["height"].startswith("conformant: ")
    assert rows["anything"].startswith("NOT CONFORMANT: ")
    assert rows["anything"].endswith("failed: refusal of bad input (a value of another shape)")
    shown = {path.name for path in (tmp_path / "card").iterdir()}
    assert {"card.html", "card.md", "card.json", "coverage.png", "identifiability.png", "ranks_of_scans.png"} <= shown
    assert verdict(from_json((next((tmp_path / "conformance").glob("height-*.json"))).read_text())) == rows["height"]


def test_a_plugin_that_cannot_be_loaded_is_listed_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str) -> object:
        raise ConformanceError("an entry point that is a str", where=name, remedy="export a gemel.core.system.System")

    monkeypatch.setattr(registry, "systems", lambda: ("odd",))
    monkeypatch.setattr(registry, "system", refuse)
    (row,) = flow.models()
    assert (row.system, row.model) == ("odd", "")
    assert row.conformance.startswith("NOT CONFORMANT: an entry point that is a str")


def test_a_plugin_whose_model_cannot_be_made_leaves_the_others_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Model:
        raise ZeroDivisionError("no prior")

    held = {"height": HONEST, "odd": replace(HONEST, template=broken)}
    monkeypatch.setattr(registry, "systems", lambda: tuple(held))
    monkeypatch.setattr(registry, "system", held.__getitem__)
    height, odd = flow.models()
    assert height.model == "height"
    assert odd.conformance == "NOT CONFORMANT: no prior"


def test_conform_refuses_what_is_not_installed() -> None:
    with pytest.raises(InputError, match="no system 'kidney'"):
        conform("kidney")
    assert FAST.patients >= 50
