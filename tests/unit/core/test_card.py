"""A card is read whole or refused; an examination passes when every judged line does."""

import pytest

from gemel.core.card import SECTIONS, Card, Evidence, Examination, read_card
from gemel.core.errors import ConformanceError


def text(*left_out: str) -> str:
    return "\n".join(f"# {name}\nwords of {name}" for name in SECTIONS if name not in left_out)


def line(passed: bool | None) -> Evidence:
    return Evidence("section", "line", "criterion", 0.5, 0.4, 0.6, passed)


def examination(*verdicts: bool | None) -> Examination:
    return Examination("s", "m", "1", "0" * 64, "fast", 1, tuple(line(verdict) for verdict in verdicts))


def test_a_card_is_read_section_by_section() -> None:
    card = read_card(text().replace("words of References", "- one 2001\n- two 2002"))
    assert (card.question, card.influence, card.consequence) == (
        "words of Question",
        "words of Model influence",
        "words of Decision consequence",
    )
    assert card.references == ("one 2001", "two 2002")
    assert card.examination is None
    assert not card.conformant


@pytest.mark.parametrize("section", SECTIONS)
def test_a_card_without_a_section_is_refused(section: str) -> None:
    with pytest.raises(ConformanceError, match=f"without {section}.*write the missing sections"):
        read_card(text(section))


def test_conformant_is_every_judged_line_and_at_least_one() -> None:
    assert examination(True, None, True).conformant
    assert not examination(True, False, True).conformant
    assert not examination(None, None).conformant
    assert not examination().conformant
    assert [held.passed for held in examination(True, False, None).failures] == [False]
    assert Card("q", "c", "i", "d", "v", "e", ("r",), examination(True)).conformant
