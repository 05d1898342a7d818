"""docs/service.md holds every key of the configuration file with its default, as the code has it; the example of every page is read."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any

import pytest

from gemel.service.configuration import OF_THE_NODE, OURS, configured
from gemel.service.node.front_limits import Limits as NodeLimits
from gemel.service.node.limits_read import read_limits
from gemel.service.node.rules import Destination, Peer, Routing, Rule
from gemel.service.node.rules_read import DESTINATION, PEER, ROUTING, RULE, read_routing
from gemel.service.settings import Limits, Oidc, SessionTimes, Settings

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "service.md").read_text(encoding="utf-8")
SECTIONS: Mapping[str, tuple[set[str], type]] = {
    "[oidc]": ({field.name for field in fields(Oidc)}, Oidc),
    "[sessions]": ({field.name for field in fields(SessionTimes)}, SessionTimes),
    "[limits]": ({field.name for field in fields(Limits)}, Limits),
    "[node]": (set(ROUTING) - {"limits"}, Routing),
    "[node.limits]": ({field.name for field in fields(NodeLimits)}, NodeLimits),
    "[[peer]]": (set(PEER), Peer),
    "[[destination]]": (set(DESTINATION) - set(PEER), Destination),
    "[[rule]]": (set(RULE), Rule),
}
ELSEWHERE = {("[[peer]]", "name"), ("[[rule]]", "name"), ("[[rule]]", "twin"), ("[[rule]]", "beside"), ("[oidc]", "client_secret_file")}
"""Keys whose default is made of others, is kept in another form, or is nothing that TOML can write; the page says it in words."""


def told(section: str) -> dict[str, str]:
    """Key and default of each row of a section's table."""
    part = PAGE.partition(f"### `{section}`\n")[2].partition("\n#")[0]
    return {row[0]: row[1].strip() for row in re.findall(r"^\| `(\w+)` \| (.*?) \|", part, re.MULTILINE)}


def default_of(field: "Field[Any]") -> Any:
    """A field's default as TOML has it; `MISSING` where one must be given."""
    found = field.default_factory() if field.default_factory is not MISSING else field.default
    return list(found) if isinstance(found, tuple) else dict(found) if isinstance(found, Mapping) else found


def written(text: str) -> Any:
    """A default as the page writes it."""
    return MISSING if text == "required" else tomllib.loads(f"x = {text.strip('`')}")["x"]


def flaws(section: str, rows: Mapping[str, str]) -> list[str]:
    """What a table lacks, has too much, or says wrongly."""
    keys, kind = SECTIONS[section]
    known = {field.name: default_of(field) for field in fields(kind)}
    found = [f"no row for {key}" for key in keys - set(rows)] + [f"a row for {key}, which is no key" for key in set(rows) - keys]
    for key in set(rows) & keys & set(known):
        if (section, key) not in ELSEWHERE and written(rows[key]) != known[key]:
            found.append(f"{key} is {known[key]!r} unless stated, not {rows[key]}")
    return sorted(found)


def test_every_section_is_on_the_page() -> None:
    shown = {line.strip("[]").split(".")[0] for line in re.findall(r"^### `(\[.*\])`$", PAGE, re.MULTILINE)}
    assert shown | {"names"} == {*OURS, *OF_THE_NODE}
    assert set(re.findall(r"^### `(\[.*\])`$", PAGE, re.MULTILINE)) == set(SECTIONS)


@pytest.mark.parametrize("section", SECTIONS)
def test_every_key_is_on_the_page_with_its_default(section: str) -> None:
    assert flaws(section, told(section)) == [], f"docs/service.md, {section}: mend its table"


def test_a_key_that_is_missing_strange_or_wrong_is_found() -> None:
    rows = told("[limits]")
    wrong = {**rows, "burst": "`1999`", "brust": "`1`"}
    del wrong["body_bytes"]
    assert flaws("[limits]", wrong) == [
        "a row for brust, which is no key",
        "burst is 2000 unless stated, not `1999`",
        "no row for body_bytes",
    ]


@pytest.mark.parametrize("page", ["node.md", "service.md"])
def test_the_examples_are_read(page: str, tmp_path: Path) -> None:
    examples = re.findall(r"```toml\n(.*?)```", (ROOT / "docs" / page).read_text(encoding="utf-8"), re.DOTALL)
    assert examples
    for number, text in enumerate(examples):
        path = tmp_path / f"{number}.toml"
        path.write_text(text, encoding="utf-8")
        assert configured(Settings("twins.db", tmp_path, config=path)).config == path
        assert read_routing(path) is not None
        assert read_limits(path) is not None
