"""Every installed model is examined once, with the budget of a test run; the tests read the evidence table line by line."""

import pytest

from gemel.core.card import Examination
from gemel.flow import registry
from gemel.flow.conformance import FAST, examine


@pytest.fixture(scope="session", params=registry.systems())
def examined(request: pytest.FixtureRequest) -> Examination:
    done = examine(request.param, registry.system(request.param), FAST)[0].examination
    assert done is not None
    return done
