"""Under every attack the node lives, stays small, and answers an echo of someone else within a second."""

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.unit.service import node_attacks
from tests.unit.service import node_wire as wire
from tests.unit.service.node_attacks import ATTACKS, Attack

ROOT = Path(__file__).resolve().parents[3]
LIMITS = {
    "artim_s": 1.0,
    "idle_s": 5.0,
    "rate_window_s": 1.0,
    "object_bytes": 32 << 20,
    "spooled_bytes": 4 << 20,
    "free_bytes": 1,
}
SIZE, FULL_SIZE = 20, 100  # an attack's size; ten times it is the number of idle connections
EXPECTED = {
    "request_of_4_gib": "closed before 64 MiB",
    "data_of_4_gib": "A-ABORT",
    "value_of_4_gib": "A-ABORT",
    "values_that_lie": "A-ABORT",
    "data_first": "A-ABORT",
    "unknown_units": "A-ABORT",
    "unexpected_units": "A-ABORT",
    "release_collisions": "A-ABORT, A-RELEASE-RP",
    "slow_requests": "A-ABORT within 5 s",
    "slow_objects": "A-ABORT within 5 s",
    "half_open": "closed",
    "resets": "nothing kept",
    "abort_storm": "closed",
    "connection_storm": "closed",
    "single_bytes": "A-ABORT",
    "empty_values": "A-ABORT",
    "long_requests": "A-ABORT, accepted",
    "longest_units_of_nothing": "0: accepted, 1: A-ASSOCIATE-RJ, 6: A-ASSOCIATE-RJ, 7: accepted, 4294967295: accepted",
    "mixed_messages": "A-ABORT",
    "never_reads": "closed",
    "endless_object": "closed before 300 MB",
    "words_after_the_last": "closed before 100 MiB",
    "strange_titles": "A-ABORT, A-ABORT, accepted, accepted, A-ABORT",
    "other_protocols": "A-ABORT",
    "sent_ahead": "30 of 30 kept",
}


@dataclass
class Server:
    """A node in a process, and who asks it for an echo all the time."""

    process: "subprocess.Popen[str]"
    port: int
    slowest_s: float = 0.0
    echoes: int = 0
    lost: int = 0
    ended: bool = False

    def watch(self) -> None:
        """An echo after the other; the slowest is kept."""
        while not self.ended:
            start_s = time.monotonic()
            try:
                self.lost += not wire.echoed(self.port)
            except (OSError, AssertionError):
                self.lost += 1
            self.slowest_s = max(self.slowest_s, time.monotonic() - start_s)
            self.echoes += 1
            time.sleep(0.05)

    def rss_mb(self) -> float:
        """Greatest resident memory so far, of all its processes; what they share is counted in each."""
        tasks = Path(f"/proc/{self.process.pid}/task").iterdir()
        children = [child for task in tasks for child in (task / "children").read_text(encoding="ascii").split()]
        status = [Path(f"/proc/{pid}/status").read_text(encoding="ascii") for pid in (self.process.pid, *children)]
        return sum(int(words.partition("VmHWM:")[2].split()[0]) for words in status) / 1024


@pytest.fixture(scope="module", params=[pytest.param(1, marks=pytest.mark.full), 2])
def server(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Server]:
    """One node for all attacks: alone, and with two receiving processes, as it runs where there are two cores."""
    limits = json.dumps(LIMITS | {"receivers": request.param})
    command = [sys.executable, "-m", "tests.unit.service.node_server", str(tmp_path_factory.mktemp("abuse")), limits]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=dict(os.environ)) as process:
        assert process.stdout is not None
        yield Server(process, int(process.stdout.readline()))
        process.communicate("")
    assert process.returncode == 0


def attacked(server: Server, attack: Attack, size: int) -> str:
    """What came of an attack, while echoes were asked for."""
    server.slowest_s, server.lost, server.echoes, server.ended = 0.0, 0, 0, False
    watcher = threading.Thread(target=server.watch)
    watcher.start()
    try:
        return attack(server.port, size)
    finally:
        server.ended = True
        watcher.join()


def judge(server: Server, attack: Attack, size: int) -> str:
    """The outcome, when the node kept what is asked of it."""
    before_mb = server.rss_mb()
    outcome = attacked(server, attack, size)
    assert server.process.poll() is None
    assert (server.lost, server.echoes > 0) == (0, True)
    assert server.slowest_s < 1.0
    assert server.rss_mb() < max(before_mb + 64, 220)
    assert outcome == EXPECTED.get(attack.__name__, outcome)
    return outcome


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_attack(server: Server, attack: Attack) -> None:
    outcome = judge(server, attack, SIZE)
    assert not re.search("lost|first 0 of", outcome)


@pytest.mark.full
def test_attacks_at_full_size(server: Server, tmp_path: Path) -> None:
    """1,000 idle connections and the rest; the table goes to the file that NODE_ATTACKS names."""
    rows = []
    for attack in ATTACKS:
        outcome = judge(server, attack, FULL_SIZE)
        assert not re.search("lost|first 0 of", outcome)
        words = str(attack.__doc__).rstrip(".")
        rows.append(f"| {words} | {outcome} | {server.slowest_s * 1e3:.0f} of {server.echoes} | {server.rss_mb():.0f} |")
    assert len(rows) == len(node_attacks.ATTACKS)
    table = ["| attack | outcome | slowest C-ECHO beside it, ms | greatest memory, MB |", "|---|---|---|---|", *rows]
    Path(os.environ.get("NODE_ATTACKS", tmp_path / "attacks.md")).write_text("\n".join(table) + "\n", encoding="utf-8")
