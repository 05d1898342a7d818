"""Nothing acknowledged is lost when the service is killed, nor when the power fails."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

needs_compiler = pytest.mark.skipif(
    not (shutil.which("cc") and sys.platform.startswith("linux")), reason="power cuts need a C compiler and Linux"
)
ROOT = Path(__file__).resolve().parents[3]


def ran(*arguments: str) -> dict[str, int]:
    """What the benchmark prints last."""
    command = [sys.executable, str(ROOT / "benchmarks" / "c_store_kill.py"), *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    result: dict[str, int] = json.loads(ended.stdout.splitlines()[-1])
    return result


def judge(result: dict[str, int]) -> None:
    """Nothing lost, nothing torn, and the run was one that could have lost something."""
    assert (result["lost"], result["torn"]) == (0, 0)
    assert result["kills"] <= result["acknowledged"] <= result["found"] == result["found_without_index"]
    assert result["sent"] > result["acknowledged"]  # something was on its way at a kill


def test_nothing_acknowledged_is_lost_by_kills() -> None:
    judge(ran("--kills", "2", "--segment-mb", "4"))


@pytest.mark.full
def test_nothing_acknowledged_is_lost_by_200_kills() -> None:
    judge(ran("--kills", "200"))


def powerless(*arguments: str) -> dict[str, int]:
    """What the benchmark of power cuts prints last."""
    command = [sys.executable, str(ROOT / "benchmarks" / "c_store_power.py"), *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    result: dict[str, int] = json.loads(ended.stdout.splitlines()[-1])
    return result


@needs_compiler
@pytest.mark.parametrize(("cuts", "rounds"), [(12, 5), pytest.param(300, 40, marks=pytest.mark.full)])
def test_nothing_acknowledged_is_lost_by_power_cuts(cuts: int, rounds: int) -> None:
    result = powerless("--cuts", str(cuts), "--rounds", str(rounds))
    assert (result["lost"], result["torn"], result["quarantined"]) == (0, 0, 0)
    assert result["acknowledged"] > cuts


@needs_compiler
def test_a_disk_that_ignores_flushes_is_seen_to_lose() -> None:
    assert powerless("--cuts", "6", "--rounds", "4", "--without-flushes")["lost"] > 0
