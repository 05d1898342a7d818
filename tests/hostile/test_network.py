"""The DICOM port of a whole `gemel serve`, in clear and over TLS, under every attack: C-ECHO and health within a second throughout."""

import os
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.hostile import tls_attacks
from tests.hostile.papers import connect, papers
from tests.hostile.served import Served, Watched, free_port, served
from tests.unit.service import node_attacks
from tests.unit.service import node_wire as wire
from tests.unit.service.test_node_front_abuse import EXPECTED, LIMITS

Attack = Callable[[int, int], str]
SIZE, FULL_SIZE = 10, 100
SERVICE_MB, WITHIN_S = 512.0, 1.0
CONFIG = "[limits]\nheader_s = 1.0\n[node.limits]\n" + "\n".join(
    f"{key} = {value}" for key, value in (LIMITS | {"free_bytes": 1 << 20}).items()
)
SAMPLE_TLS = ("clear_text", "broken_hellos", "renegotiation", "data_of_4_gib", "half_open", "sent_ahead")
EXPECTED_TLS = EXPECTED | {
    "clear_text": "closed",
    "old_protocols": "closed",
    "broken_hellos": "closed",
    "broken_records": "closed",
    "renegotiation": "closed",
    "handshake_storm": "closed",
    "half_closed": "closed",
}


@pytest.fixture(scope="module")
def clear(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(Path(tmp_path_factory.mktemp("clear")), dicom_port=free_port(), config=CONFIG) as running:
        yield running


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = Path(tmp_path_factory.mktemp("sealed"))
    with served(folder / "box", dicom_port=free_port(), config=CONFIG, tls=papers(folder)) as running:
        yield running


def judged(running: Served, attack: Attack, size: int, expected: dict[str, str], port: int = 0) -> str:
    """A row of the table: the outcome, when the service kept what is asked of it."""
    running.watched = seen = Watched()
    outcome = attack(port or running.dicom_port, size)
    assert running.alive, attack.__name__
    assert outcome == expected.get(attack.__name__, outcome), attack.__name__
    assert not re.search(r"lost|first 0 of|left open|\b0 of", outcome), (attack.__name__, outcome)
    running.pause()
    assert (seen.failed, seen.probes > 0, seen.echoes > 0) == (0, True, True), (attack.__name__, seen)
    assert max(seen.slowest_s, seen.slowest_echo_s) < WITHIN_S, (attack.__name__, seen)
    assert seen.service_MB < SERVICE_MB, (attack.__name__, seen)
    words = str(attack.__doc__).rstrip(".")
    return f"| {words} | {outcome} | {seen.slowest_s * 1e3:.0f} | {seen.slowest_echo_s * 1e3:.0f} | {seen.service_MB:.0f} |"


def over_tls(running: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """The attacks on the node speak TLS."""
    assert running.trusting is not None
    monkeypatch.setattr(wire, "connect", partial(connect, running.trusting))


@pytest.mark.parametrize("name", SAMPLE_TLS)
def test_attack_over_tls(sealed: Served, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    over_tls(sealed, monkeypatch)
    judged(sealed, getattr(tls_attacks, name, None) or getattr(node_attacks, name), SIZE, EXPECTED_TLS)


@pytest.mark.full
def test_attacks_at_full_size(clear: Served) -> None:
    report("clear", [judged(clear, attack, FULL_SIZE, EXPECTED) for attack in node_attacks.ATTACKS])


@pytest.mark.full
def test_attacks_at_full_size_over_tls(sealed: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    over_tls(sealed, monkeypatch)
    attacks = (*tls_attacks.ATTACKS, *node_attacks.ATTACKS)
    report("tls", [judged(sealed, attack, FULL_SIZE, EXPECTED_TLS) for attack in attacks])


def test_attack_on_https(sealed: Served) -> None:
    judged(sealed, tls_attacks.flood, SIZE, {}, http_port(sealed))


@pytest.mark.full
def test_attacks_at_full_size_on_https(sealed: Served) -> None:
    attacks = [attack for attack in tls_attacks.ATTACKS if attack not in (tls_attacks.broken_records, tls_attacks.handshake_storm)]
    report("https", [judged(sealed, attack, FULL_SIZE, EXPECTED_TLS, http_port(sealed)) for attack in attacks])


def http_port(running: Served) -> int:
    """Port of the page and the API."""
    return running.client.base_url.port or 443


def report(name: str, rows: list[str]) -> None:
    """The table goes to the folder that HOSTILE_TABLES names."""
    if folder := os.environ.get("HOSTILE_TABLES"):
        head = ["| attack | outcome | slowest health check, ms | slowest C-ECHO, ms | memory, MB |", "|---|---|---|---|---|"]
        (Path(folder) / f"{name}.md").write_text("\n".join([*head, *rows]) + "\n", encoding="utf-8")
