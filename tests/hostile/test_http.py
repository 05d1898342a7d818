"""The HTTP port of a whole `gemel serve` under every attack: health and C-ECHO within a second throughout, no answer of 5xx."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hostile import http_attacks
from tests.hostile.http_attacks import ATTACKS, Attack
from tests.hostile.served import Served, Watched, free_port, served

SIZE, FULL_SIZE = 10, 100
SERVICE_MB, WITHIN_S = 512.0, 1.0
CONFIG = "[limits]\nheader_s = 1.0\nbody_s = 1.0\nstow_bytes = 67108864\n"
SAMPLE = (
    "endless_streams", "million_headers", "long_targets", "cookies", "ranges", "strange_requests",
)  # fmt: skip
EXPECTED = {
    "slow_heads": "closed",
    "slow_bodies": "408",
    "endless_streams": "413",
    "tiny_chunks": "413",
    "million_headers": "400",
    "long_targets": "200, 400",
    "cookies": "200",
    "ranges": "200",
    "pipelined": "20 of 20 answered, hidden: 400",
    "strange_requests": "200, 400, 404, 405, 421",
    "bombs": "400, 409, 415",
    "parts_in_parts": "202, 413",
    "guesses": "401, 429",
}
"""Of those whose end does not hang on who is quicker."""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(Path(tmp_path_factory.mktemp("http")), dicom_port=free_port(), config=CONFIG) as opened:
        yield opened


def judged(running: Served, attack: Attack, size: int) -> str:
    """A row of the table: the outcome, when the service kept what is asked of it."""
    running.watched = seen = Watched()
    outcome = attack(running.client, size)
    assert running.alive, attack.__name__
    assert outcome == EXPECTED.get(attack.__name__, outcome), attack.__name__
    assert not re.search(r"\b5\d\d\b|left open", outcome), (attack.__name__, outcome)
    running.pause()
    assert (seen.failed, seen.probes > 0, seen.echoes > 0) == (0, True, True), (attack.__name__, seen)
    assert max(seen.slowest_s, seen.slowest_echo_s) < WITHIN_S, (attack.__name__, seen)
    assert max(seen.service_MB, seen.child_MB) < SERVICE_MB, (attack.__name__, seen)
    words = str(attack.__doc__).rstrip(".")
    return f"| {words} | {outcome} | {seen.slowest_s * 1e3:.0f} | {seen.slowest_echo_s * 1e3:.0f} | {seen.service_MB:.0f} |"


@pytest.mark.parametrize("name", SAMPLE)
def test_attack(running: Served, name: str) -> None:
    judged(running, getattr(http_attacks, name), SIZE)


@pytest.mark.full
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_attack_at_full_size(running: Served, attack: Attack) -> None:
    """The table goes to the folder that HOSTILE_TABLES names."""
    row = judged(running, attack, FULL_SIZE)
    if folder := os.environ.get("HOSTILE_TABLES"):
        with (Path(folder) / "http.md").open("a", encoding="utf-8") as file:
            file.write(f"{row}\n")
