"""The service with its FHIR routes over the system in miniature, as the tests of the API have it."""

import pytest

from tests.unit.service.api.conftest import PARTS, app, client, lived_tower, tower, twin

__all__ = ["app", "client", "lived_tower", "tower", "twin"]


@pytest.fixture
def parts() -> tuple[str, ...]:
    return (*PARTS, "gemel.service.fhir")
