"""On a server the record loses as little as in a file: whether the writer is killed, or the server."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.store import server as servers

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def server() -> Iterator[servers.Server]:
    with servers.server() as held:
        yield held


def full(*arguments: int) -> Any:
    return pytest.param(*arguments, marks=pytest.mark.full)


@pytest.mark.parametrize("kills", [10, full(50)])
def test_nothing_acknowledged_is_lost_when_a_writer_is_killed(server: servers.Server, kills: int) -> None:
    url = servers.new_database(server.address, f"killed_{kills}")
    command = [sys.executable, BENCHMARKS / "store_kill.py", "--kills", str(kills), "--url", url]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    result = json.loads(run.stdout)
    assert (result["kills"], result["lost"], result["torn"], result["findings"]) == (kills, 0, 0, 0)
    assert result["acknowledged"] > kills
    assert result["acknowledged"] <= result["events"] <= result["acknowledged"] + kills


@pytest.mark.parametrize("stops", [2, full(10)])
def test_nothing_acknowledged_is_lost_when_the_server_is_stopped_at_once(
    server: servers.Server, stops: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(BENCHMARKS)
    import store_kill_server

    url = servers.new_database(server.address, f"stopped_{stops}")
    result = store_kill_server.measure(url, stops, server.stop, server.start)
    assert (result["stops"], result["lost"], result["findings"]) == (stops, 0, 0)
    assert result["acknowledged"] > stops
    assert result["acknowledged"] <= result["events"] <= result["acknowledged"] + stops
