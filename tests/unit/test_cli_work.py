"""`gemel worker` and `gemel cohort status`: anywhere, by one command."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import gemel.store
from gemel.cli import app
from gemel.flow.cohort import Task
from gemel.flow.cohort import functions as named
from gemel.flow.cohort.execute import enqueue, results
from gemel.store import environment, standing

HERE = "tests.unit.flow.cohort.tasks"
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def code_as_it_is() -> None:
    """Workers read the code anew: so does this process, for files that were changed since the tests began."""
    for remembered in (environment.environment, named.environment_digest, named.code_of, named._package_digest):
        remembered.cache_clear()


def gemel_says(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "250", "TERM": "dumb"})


def queued(path: Path, *tasks: Task) -> str:
    with gemel.store.open(path) as store:
        return enqueue(store, {task.name: task for task in tasks})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "twins.db"


def test_a_worker_does_what_waits_in_every_queue_and_the_standing_is_told(path: Path) -> None:
    first = queued(path, *(Task(f"{HERE}:fall", {"i": i}, 1) for i in range(3)))
    queued(path, Task(f"{HERE}:draw", {"n": 3, "patient": 1}, 1))
    done = gemel_says("worker", "--store", path, "--once", "--json")
    assert (done.exit_code, json.loads(done.stdout)) == (0, {"tasks": 6}), "four tasks, one of them tried three times"
    rows = json.loads(gemel_says("cohort", "status", "--store", path, "--json").stdout)
    assert [(row["done"], row["failed"], row["waiting"]) for row in rows] == [(2, 1, 0), (1, 0, 0)]
    assert rows[0]["queue"] == first
    assert "no dose for patient 1" in rows[0]["failures"][0]["cause"]
    told = gemel_says("cohort", "status", "--store", path, "--queue", first[:5]).stdout
    assert f"{HERE}:fall: 3 tasks" in told
    assert "no dose for patient 1" in told


def test_a_worker_of_one_queue_leaves_the_others(path: Path) -> None:
    first = queued(path, Task(f"{HERE}:draw", {"n": 3, "patient": 1}, 1))
    second = queued(path, Task(f"{HERE}:draw", {"n": 3, "patient": 2}, 1))
    assert json.loads(gemel_says("worker", "--store", path, "--queue", second[:9], "--once", "--json").stdout) == {"tasks": 1}
    with gemel.store.open(path) as store:
        assert [row.done for row in standing.standings(store.rows)] == [0, 1]
        assert list(results(store, first)) == []


def test_a_worker_without_work_ends_when_it_was_idle_long_enough(path: Path) -> None:
    gemel.store.open(path).close()
    began_s = time.monotonic()
    assert json.loads(gemel_says("worker", "--store", path, "--idle-seconds", 0.5, "--json").stdout) == {"tasks": 0}
    assert time.monotonic() - began_s >= 0.5


def test_an_unknown_queue_and_a_missing_record_are_refused(path: Path) -> None:
    assert "no record" in gemel_says("worker", "--store", path, "--once").stderr
    first = queued(path, Task(f"{HERE}:draw", {"n": 3, "patient": 1}, 1))
    told = gemel_says("worker", "--store", path, "--queue", "zz", "--once")
    assert told.exit_code == 1
    assert f"the record holds {first[:12]}" in told.stderr


def test_a_worker_told_to_stop_gives_back_its_task_at_once(path: Path, tmp_path: Path) -> None:
    name = queued(path, *(Task(f"{HERE}:nap", {"i": i, "seconds": 600.0, "log": str(tmp_path / "log")}, 1) for i in range(2)))
    command = [sys.executable, "-c", "from gemel.cli import app; app()", "worker", "--store", str(path), "--json"]
    worker = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)})
    try:
        while not (tmp_path / "log").exists():
            assert worker.poll() is None
            time.sleep(0.05)
        with gemel.store.open(path) as store:
            assert standing.counts(store.rows, name)["leased"] == 1
            worker.send_signal(signal.SIGTERM)
            assert json.loads(worker.communicate(timeout=30)[0]) == {"tasks": 0}
            assert worker.returncode == 0
            assert standing.counts(store.rows, name) == {"waiting": 2, "leased": 0, "done": 0, "failed": 0}
    finally:
        worker.kill()
        worker.wait()
