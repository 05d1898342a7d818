"""How much a peer may ask of the DICOM port, as a site's file says it; a bad value is told with its line."""

from dataclasses import fields
from pathlib import Path

import pytest

from gemel.core.errors import InputError
from gemel.service.configuration import configured
from gemel.service.node.front_limits import Limits
from gemel.service.node.limits_read import BOUNDS, COUNTS, read_limits
from gemel.service.node.rules_read import read_routing
from gemel.service.settings import Settings


def written(folder: Path, text: str) -> Path:
    """A configuration file."""
    file = folder / "gemel.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_what_is_not_said_stays_as_it_is(tmp_path: Path) -> None:
    assert read_limits(None) == Limits()
    file = written(tmp_path, "[node]\nsettle_s = 3\n[node.limits]\nassociations = 12\nartim_s = 2\nobject_bytes = 1048576\n")
    assert read_limits(file) == Limits(associations=12, artim_s=2.0, object_bytes=1048576)
    assert isinstance(read_limits(file).artim_s, float)


def test_the_other_readers_of_the_file_leave_them(tmp_path: Path) -> None:
    file = written(tmp_path, "[node]\nsettle_s = 3\n[node.limits]\nassociations = 12\n")
    assert read_routing(file).settle_s == 3
    assert configured(Settings(store="s", folder=tmp_path, config=file)).config == file


def test_every_usual_limit_may_be_said_and_lies_within_its_bounds(tmp_path: Path) -> None:
    usual = Limits()
    lines = [f"{field.name} = {str(getattr(usual, field.name)).lower()}" for field in fields(Limits)]
    assert read_limits(written(tmp_path, "[node.limits]\n" + "\n".join(lines))) == usual
    assert set(BOUNDS) <= {field.name for field in fields(Limits)}
    assert COUNTS[0] == 1


@pytest.mark.parametrize(
    ("line", "found", "remedy"),
    [
        ("assocations = 12", "an unknown limit 'assocations'", "did you mean associations?"),
        ("associations = 0", "associations = 0", "from 1 to 65536"),
        ("associations = 1.5", "associations = 1.5", "a whole number"),
        ("associations = true", "associations = True", "a whole number"),
        ("associations = '12'", "associations = '12'", "a whole number"),
        ("artim_s = nan", "artim_s = nan", "from 0.1 to 600"),
        ("artim_s = inf", "artim_s = inf", "from 0.1 to 600"),
        ("artim_s = -1", "artim_s = -1", "from 0.1 to 600"),
        ("least_bytes_s = inf", "least_bytes_s = inf", "a number"),
        ("unit_bytes = 16", "unit_bytes = 16", "from 4096 to 16777216"),
        ("called_must_match = 1", "called_must_match = 1", "true or false"),
    ],
)
def test_a_value_that_cannot_be_meant(tmp_path: Path, line: str, found: str, remedy: str) -> None:
    file = written(tmp_path, f"[node]\nsettle_s = 3\n\n[node.limits]\nidle_s = 60\n{line}\n")
    with pytest.raises(InputError) as raised:
        read_limits(file)
    assert raised.value.found == found
    assert raised.value.where == f"{file}, line 6"
    assert remedy in raised.value.remedy


@pytest.mark.parametrize("text", ["[node]\nlimits = 3\n", "[node\n", "[node]\nlimits = [1]\n"])
def test_a_file_that_is_none(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError, match=r"TOML|no table"):
        read_limits(written(tmp_path, text))


@pytest.mark.parametrize(
    "line", ["connections = 2.5", "connections = 0", "body_bytes = inf", "header_s = inf", "header_s = nan", "burst = true"]
)
def test_limits_of_http_are_finite_numbers_of_their_kind(tmp_path: Path, line: str) -> None:
    with pytest.raises(InputError, match="number above 0"):
        configured(Settings(store="s", folder=tmp_path, config=written(tmp_path, f"[limits]\n{line}\n")))
