"""Rules: what they mean, and how a fault in them is told."""

import time
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemel.core.errors import InputError
from gemel.service.node.rules import Rule, chosen, wait_s
from gemel.service.node.rules_expression import DEEPEST, LONGEST, holds, parsed
from gemel.service.node.rules_match import like
from gemel.service.node.rules_read import read_routing

TAGS = {
    "Modality": "CT",
    "ReferringPhysicianName": "Curie^Marie",
    "StudyDescription": "CBCT Pelvis daily",
    "SeriesNumber": "12",
    "StudyDate": "20260302",
    "PatientID": "a'b",
}
FILE = """
[node]
settle_s = 3

[[destination]]
aet = "PACS"
host = "pacs.example"
port = 104
send = ["SEG", "SR"]

[[peer]]
name = "archive"
aet = "ORTHANC"
host = "10.0.0.2"
port = 4242

[[rule]]
name = "daily"
when = "Modality=CT and StudyDescription~'*pelvis*'"
then = "observe"
kind = "cbct"
system = "prostate"

[[rule]]
when = "always"
then = "forward"
to = ["PACS"]
"""


@pytest.mark.parametrize(
    ("text", "true"),
    [
        ("Modality=CT and ReferringPhysicianName~'Curie*' and StudyDescription~'*pelvis*'", True),
        ("Modality=MR or SeriesNumber>=12", True),
        ("Modality=MR or SeriesNumber > 12", False),
        ("SeriesNumber < 9", False),  # as numbers: as texts 12 would be less than 9
        ("not Modality=MR and StudyDate>=20260301 and StudyDate<20260401", True),
        ("not (Modality=CT and Modality!=MR)", False),
        ("Modality in (MR, CT)", True),
        ("Modality in ('MR', \"PT\")", False),
        ("Modality=ct", False),
        ("StudyDescription~'*PELVIS?DAILY'", True),
        ("StudyDescription!~'*head*'", True),
        ('PatientID="a\'b"', True),
        ("StationName=''", True),
        ("StationName='' and StationName<5", False),
        ("always", True),
        ("Modality=MR and Modality=CT or Modality=CT", True),  # `and` binds first
        ("Modality=MR and (Modality=CT or Modality=CT)", False),
    ],
)
def test_a_condition_means_what_it_says(text: str, true: bool) -> None:
    assert holds(parsed(text), TAGS) is true


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("Modality=CT and StudyDescripton~'*pelvis*'", 17, "did you mean StudyDescription"),
        ("Modality==CT", 10, "where a value is expected"),
        ("Modality CT", 10, "no comparison after Modality"),
        ("Modality='CT", 10, "both quotes"),
        ("(Modality=CT", 13, "close the brackets"),
        ("Modality=CT Modality=MR", 13, "join comparisons"),
        ("Modality=CT and", 16, "an end where an attribute is expected"),
        ("__import__('os')", 1, "no attribute"),
        ("Modality in CT", 13, "close the brackets"),
        ("", 1, "an end where"),
    ],
)
def test_a_fault_is_told_with_its_column(text: str, column: int, words: str) -> None:
    with pytest.raises(InputError, match=f"column {column} ") as caught:
        parsed(text)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "text", ["(" * (DEEPEST + 2) + "always", "not " * (DEEPEST + 2) + "always", "Modality=CT or " * LONGEST + "always"]
)
def test_deep_and_long_ones_are_refused_quickly(text: str) -> None:
    began = time.process_time()
    with pytest.raises(InputError):
        parsed(text)
    assert time.process_time() - began < 0.5


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(InputError):
        holds(parsed(text), TAGS)


@given(st.text(alphabet="ab*?", max_size=8), st.text(alphabet="ab", max_size=8))
def test_wildcards_match_as_their_definition(pattern: str, value: str) -> None:
    def by_definition(p: str, v: str) -> bool:
        if not p:
            return not v
        if p[0] == "*":
            return any(by_definition(p[1:], v[k:]) for k in range(len(v) + 1))
        return bool(v) and p[0] in ("?", v[0]) and by_definition(p[1:], v[1:])

    assert like(value, pattern) is by_definition(pattern, value)


def test_many_stars_cost_no_more_than_their_product() -> None:
    began = time.process_time()
    assert not like("a" * 2000, "*a" * 1000 + "b")
    assert time.process_time() - began < 5.0


def read(tmp_path: Path, text: str) -> None:
    (path := tmp_path / "gemel.toml").write_text(text)
    read_routing(path)


def test_a_file_is_read_whole(tmp_path: Path) -> None:
    (path := tmp_path / "gemel.toml").write_text(FILE)
    found = read_routing(path)
    assert [rule.name for rule in found.rules] == ["daily", "rule 2"]
    assert (found.settle_s, found.attempts) == (3.0, 5)
    assert found.destinations[0].name == "PACS"
    assert found.destinations[0].send == ("SEG", "SR")
    assert found.peers[0].port == 4242
    both = chosen(found.rules, TAGS)
    assert both.rule is not None
    assert (both.rule.name, [rule.name for rule in both.forwards]) == ("daily", ["rule 2"])


@pytest.mark.parametrize(
    ("was", "put", "line", "words"),
    [
        ("settle_s = 3", "settel_s = 3", 3, "did you mean settle_s"),
        ("settle_s = 3", "settle_s = -3", 3, "from 0.1"),
        ("settle_s = 3", 'settle_s = "3"', 3, "a number"),
        ("port = 104", "port = 70000", 5, "1 to 65535"),
        ('aet = "PACS"', 'aet = "A TITLE THAT IS TOO LONG"', 5, "1 to 16"),
        ('send = ["SEG", "SR"]', 'send = ["SEGS"]', 9, "SEG, RTSTRUCT"),
        ('then = "observe"', 'then = "observed"', 20, "observe, new"),
        ('kind = "cbct"\n', "", 20, "what kind of input"),
        ('kind = "cbct"', 'kind = "cbct"\nand_then = ["act"]', 22, "giving a plan is a person's"),
        ('kind = "cbct"', 'kind = "cbct"\nnames = { P = 3 }', 22, "a name that is no text"),
        ('kind = "cbct"', 'kind = "cbct"\nbeside = { ct = ["Modality=CT", "Modallity=MR"] }', 22, "did you mean Modality"),
        ('to = ["PACS"]', 'to = ["PAX"]', 27, "name one of PACS"),
        ("StudyDescription~'*pelvis*'", "StudyDescripton~'*pelvis*'", "19, column 25", "did you mean StudyDescription"),
        ("[[rule]]\nwhen", "[rule]\nwhen", "", ""),
    ],
)  # fmt: skip
def test_a_fault_in_the_file_is_told_with_its_line(tmp_path: Path, was: str, put: str, line: object, words: str) -> None:
    assert was in FILE
    with pytest.raises(InputError) as caught:
        read(tmp_path, FILE.replace(was, put))
    assert f"line {line}" in str(caught.value)
    assert words in str(caught.value)


def test_unknown_sections_are_left_to_others(tmp_path: Path) -> None:
    read(tmp_path, FILE + "\n[limits]\nburst = 3\n")


def test_two_rules_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a second rule called 'daily'"):
        read(tmp_path, FILE.replace('when = "always"', 'name = "daily"\nwhen = "always"'))


def test_after_ignore_nothing_is_looked_at() -> None:
    rules = [Rule("out", parsed("Modality=CT"), "ignore"), Rule("all", parsed("always"), "forward", to=("PACS",))]
    assert chosen(rules, TAGS) == chosen([], TAGS)
    assert chosen(rules, {"Modality": "MR"}).forwards == (rules[1],)


def test_patience_doubles_and_is_bounded(tmp_path: Path) -> None:
    (path := tmp_path / "gemel.toml").write_text("[node]\nretry_s = 10\nlongest_s = 60\n")
    assert [wait_s(read_routing(path), n) for n in (1, 2, 3, 4, 40)] == [10, 20, 40, 60, 60]


def test_the_manual_shows_a_configuration_that_is_read(tmp_path: Path) -> None:
    page = (Path(__file__).resolve().parents[3] / "docs" / "node.md").read_text(encoding="utf-8")
    (path := tmp_path / "gemel.toml").write_text(page.split("```toml")[1].split("```")[0])
    found = read_routing(path)
    assert [rule.then for rule in found.rules] == ["observe", "new", "observe", "observe", "ignore", "forward"]
    assert [rule.and_then for rule in found.rules[:3]] == [("decide",), ("prepare",), ("decide",)]
    assert [to.commit for to in found.destinations] == [True, False]


def test_only_known_peers_when_none_is_named_is_refused(tmp_path: Path) -> None:
    """Nobody known is not everybody."""
    (path := tmp_path / "gemel.toml").write_text("""
[node]
known_peers_only = true
[[destination]]
name = "pacs"
url = "https://pacs.example/dicom-web"
""")
    with pytest.raises(InputError, match="without a peer") as told:
        read_routing(path)
    assert "line 3" in str(told.value)
    path.write_text(f"{path.read_text()}[[peer]]\naet = 'CT1'\nhost = '10.0.0.1'\nport = 104\n")
    assert read_routing(path).known_peers_only
