"""Whose twins they are, remembered: a person's key changes only when somebody is erased."""

from collections.abc import Iterable

from gemel.service.api.reading import Reading
from gemel.service.security.subjects import subject_of_twin
from gemel.service.state import Service


def subjects_of(service: Service, reading: Reading, twins: Iterable[str]) -> dict[str, str]:
    """Subject keys by twin; none for what is no twin."""
    withdrawn = reading.newest.withdrawn
    found: dict[str, str] = {}
    for twin in twins:
        known = reading.subjects.get(twin)
        if known is None or known[0] != withdrawn:
            known = reading.subjects[twin] = (withdrawn, subject_of_twin(service.guard.key, service.store, twin))
        if known[1] is not None:
            found[twin] = known[1]
    return found


def subject(service: Service, reading: Reading, twin: str) -> str | None:
    """The subject key of one twin."""
    return subjects_of(service, reading, (twin,)).get(twin)
