"""The contract every model keeps. A system is conformant only when all of this is green for it; `gemel conform` shows the same table."""

import pytest

from gemel.core.card import Examination
from gemel.flow import registry
from gemel.flow.conformance import FAST, FULL, SECTIONS, examine

REPORTED = ("misspecification", "identifiability")


@pytest.mark.parametrize("section", SECTIONS)
def test_every_line_passes(examined: Examination, section: str) -> None:
    lines = [line for line in examined.table if line.section == section]
    assert lines
    assert [line for line in lines if line.passed is False] == []
    assert any(line.passed for line in lines) is (section not in REPORTED)


def test_the_model_is_conformant(examined: Examination) -> None:
    assert examined.conformant
    assert (examined.budget, examined.patients) == (FAST.name, FAST.patients)


@pytest.mark.full
@pytest.mark.parametrize("name", registry.systems())
def test_the_model_is_conformant_in_full(name: str) -> None:
    done = examine(name, registry.system(name), FULL)[0].examination
    assert done is not None
    assert done.failures == ()
    assert done.conformant
