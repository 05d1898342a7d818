"""Every installed model is examined once, with the budget of a test run; the tests read the evidence table line by line."""

import pytest

from gemel.core.card import Examination
from gemel.flow import registry
from gemel.flow.conformance import FAST, examine

SLOW = ("ablation", "breast", "ct_scanner", "infusion", "theranostics")
"""Posteriors of courses, five to twenty minutes of one processor for an examination: in the full run, and by `gemel conform`."""
SYSTEMS = [pytest.param(name, marks=pytest.mark.full) if name in SLOW else name for name in registry.systems()]


@pytest.fixture(scope="session", params=SYSTEMS)
def examined(request: pytest.FixtureRequest) -> Examination:
    done = examine(request.param, registry.system(request.param), FAST)[0].examination
    assert done is not None
    return done
