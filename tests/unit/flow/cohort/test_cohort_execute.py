"""A cohort is executed: the same bits whoever does it, nothing lost, nothing done twice, failures told and no others harmed."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

import gemel.store
from gemel.core.digest import digest
from gemel.core.errors import InputError, TaskError
from gemel.flow.cohort import Result, Task, execute, whole
from gemel.flow.cohort import functions as named
from gemel.flow.cohort import worker as workers_of
from gemel.store import environment, queue, standing
from tests.unit.store import server as servers

HERE = "tests.unit.flow.cohort.tasks"
ROOT = Path(__file__).parents[4]


@pytest.fixture(autouse=True)
def code_as_it_is() -> None:
    """Workers read the code anew: so does this process, for files that were changed since the tests began."""
    for remembered in (environment.environment, named.environment_digest, named.code_of, named._package_digest):
        remembered.cache_clear()


def tasks(function: str, inputs: Sequence[Mapping[str, object]], seed: int = 7) -> list[Task]:
    return [Task(f"{HERE}:{function}", given, seed) for given in inputs]


def draws(n: int) -> list[Task]:
    return tasks("draw", [{"n": 12, "patient": i} for i in range(n)])


def naps(folder: Path, n: int, seconds: float) -> list[Task]:
    return tasks("nap", [{"i": i, "seconds": seconds, "log": str(folder / "log")} for i in range(n)])


def log(folder: Path, what: str) -> list[int]:
    """Numbers of the tasks, in the order of the log."""
    lines = [line.split() for line in (folder / "log").read_text().splitlines()] if (folder / "log").exists() else []
    return [int(words[1]) for words in lines if words[0] == what]


def last_to_begin(folder: Path) -> int:
    """Process id of the worker that began a task last."""
    return int([line.split()[2] for line in (folder / "log").read_text().splitlines() if line.startswith("begun")][-1])


def alike(results: Mapping[str, Result]) -> str:
    """Equal for results that are equal bit for bit, and in the same order."""
    return digest([[name, dict(result.value), dict(result.arrays)] for name, result in results.items()])


@pytest.fixture(scope="module")
def one_by_one() -> Mapping[str, Result]:
    return whole(execute(draws(24), executor="serial"))


def test_a_result_is_what_the_function_gives_with_the_generator_of_the_task(one_by_one: Mapping[str, Result]) -> None:
    first = draws(24)[5]
    a = first.rng.normal(size=(12, 12))
    assert one_by_one[first.name].value == {"mean": float(a.mean()), "label": "patient 5"}
    np.testing.assert_allclose(one_by_one[first.name].arrays["square"], a @ a.T, rtol=1e-12)
    assert list(one_by_one) == [task.name for task in draws(24)]


@pytest.mark.parametrize("workers", [1, 2, 8])
def test_results_are_the_same_bit_for_bit_for_any_number_of_workers(one_by_one: Mapping[str, Result], workers: int) -> None:
    assert alike(whole(execute(draws(24), workers=workers))) == alike(one_by_one)


def test_results_are_the_same_on_a_ray_cluster(one_by_one: Mapping[str, Result]) -> None:
    pytest.importorskip("ray", reason="no Ray: pip install 'gemel[ray]' to run this test")
    given = [*draws(24), *tasks("fall", [{"i": 1}])]
    results = dict(execute(given, executor="ray", workers=2))
    assert "no dose for patient 1" in results.pop(given[-1].name).error
    assert alike(results) == alike(one_by_one)


def test_results_are_the_same_through_a_server(one_by_one: Mapping[str, Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(ROOT))
    with servers.running() as address:
        results = whole(execute(draws(24), store=servers.new_database(address, "twins"), workers=2))
    assert alike(results) == alike(one_by_one)


def test_chance_comes_from_seed_and_inputs_and_from_nothing_else() -> None:
    base, *others = [Task(f"{HERE}:draw", {"patient": patient}, seed) for patient, seed in ((1, 1), (2, 1), (1, 2))]
    assert base.rng.random() == Task(f"{HERE}:draw", {"patient": 1}, 1).rng.random()
    assert len({task.rng.random() for task in (base, *others)}) == 3
    assert len({task.name for task in (base, *others)}) == 3


def test_another_code_makes_another_task_with_the_same_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    before = draws(1)[0]
    assert before.name
    monkeypatch.setattr(named, "environment_digest", lambda: "0" * 64)
    named.code_of.cache_clear()
    after = draws(1)[0]
    assert after.name != before.name
    assert after.rng.random() == before.rng.random()


def test_a_run_goes_on_where_it_was_left(tmp_path: Path) -> None:
    path = tmp_path / "twins.db"
    first = whole(execute(naps(tmp_path, 4, 0.0), store=path, executor="serial"))
    with gemel.store.open(path) as store:
        again = whole(execute(naps(tmp_path, 6, 0.0), store=store, executor="serial"))
        turned = whole(execute(naps(tmp_path, 6, 0.0)[::-1], store=str(path), executor="serial"))
    assert list(turned) == list(again)[::-1], "in the order asked for"
    assert sorted(log(tmp_path, "begun")) == list(range(6)), "each was computed once"
    assert [again[name].value for name in first] == [result.value for result in first.values()]


def killing(folder: Path, kills: int, of: int, begun: Callable[[], int]) -> "threading.Thread":
    """Kills workers at random moments of the run with SIGKILL, each while it works on a task."""
    draw = random.Random(3)
    moments = sorted(draw.sample(range(2, of), kills))

    def run() -> None:
        for moment in moments:
            while begun() < moment:
                time.sleep(0.02)
            os.kill(last_to_begin(folder), signal.SIGKILL)

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_workers_that_are_killed_lose_nothing_and_repeat_only_what_they_held(tmp_path: Path) -> None:
    n, kills = 20, 6
    given = naps(tmp_path, n, 0.6)
    killer = killing(tmp_path, kills, n, lambda: len(log(tmp_path, "begun")))
    results = whole(execute(given, workers=4))
    killer.join()
    assert [result.value for result in results.values()] == [{"i": i, "x": float(task.rng.normal())} for i, task in enumerate(given)]
    assert set(log(tmp_path, "ended")) == set(range(n))
    assert n < len(log(tmp_path, "begun")) <= n + kills, "what was killed was begun again, and nothing else"


def test_a_run_whose_parent_was_killed_goes_on_and_repeats_nothing_that_was_done(tmp_path: Path) -> None:
    path, n, workers = tmp_path / "twins.db", 12, 2
    script = f"""
from pathlib import Path
from tests.unit.flow.cohort.test_cohort_execute import execute, naps
execute(naps(Path({str(tmp_path)!r}), {n}, 0.6), store={str(path)!r}, workers={workers})
"""
    parent = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)})
    while len(log(tmp_path, "ended")) < 4:
        assert parent.poll() is None
        time.sleep(0.05)
    parent.kill()
    parent.wait()
    results = whole(execute(naps(tmp_path, n, 0.6), store=path, executor="serial"))
    assert sorted(result.value["i"] for result in results.values()) == list(range(n))
    assert len(log(tmp_path, "ended")) <= n + workers
    assert len(log(tmp_path, "begun")) <= n + 2 * workers, "at most what the workers held when they left was begun again"


def test_a_task_that_kills_its_workers_fails_and_harms_no_other() -> None:
    given = tasks("die", [{"i": i, "fatal": 3} for i in range(8)])
    results = execute(given, workers=2)
    assert [task.inputs["i"] for task in given if results[task.name].error] == [3]
    assert "killed" in results[given[3].name].error


def test_a_task_that_raises_is_told_with_its_cause_and_the_others_go_on() -> None:
    given = tasks("fall", [{"i": i} for i in range(6)])
    results = execute(given, executor="serial")
    assert [results[task.name].value for task in given[::2]] == [{"y": 1.0}] * 3
    cause = results[given[1].name].error
    assert "ValueError: no dose for patient 1 (tasks.py, line" in cause
    assert "because of ZeroDivisionError" in cause
    with pytest.raises(TaskError, match=r"3 of 6 tasks failed: .*no dose for patient 1"):
        whole(results)


@pytest.mark.parametrize(
    ("what", "found"),
    [
        ("nothing", "a result that is a NoneType"),
        ("list", "a result that is a list"),
        ("nan", "nan in .*x"),
        ("object", "a set in"),
        ("array", "an array that is not finite in .*: x"),
    ],
)
def test_what_is_no_result_is_refused(what: str, found: str) -> None:
    with pytest.raises(TaskError, match=found):
        whole(execute(tasks("give", [{"what": what}]), executor="serial"))


def test_large_arrays_are_artefacts_and_come_back_alike(tmp_path: Path) -> None:
    given = tasks("draw", [{"n": n, "patient": 1} for n in (10, 100)])
    with gemel.store.open(tmp_path / "twins.db") as store:
        results = whole(execute(given, store=store, executor="serial"))
        kept = [row.arrays for kept in standing.standings(store.rows) for row in standing.ended(store.rows, kept.queue)]
    assert [bool(name) for name in kept] == [False, True]
    for task in given:
        a = task.rng.normal(size=(task.inputs["n"],) * 2)
        np.testing.assert_allclose(results[task.name].arrays["square"], a @ a.T, rtol=1e-9)


@pytest.mark.parametrize("executor", ["serial", "pool"])
def test_a_task_has_one_thread(executor: str) -> None:
    (result,) = whole(execute(tasks("threads", [{}]), executor=executor, workers=1)).values()
    assert result.value["numba"] == 1
    assert set(result.value["others"]) == {1}


@pytest.mark.parametrize("workers", [0, -2])
def test_fewer_than_one_worker_is_refused(workers: int) -> None:
    with pytest.raises(InputError, match="at least one"):
        execute(draws(1), workers=workers)


def test_an_unknown_executor_is_refused_and_the_known_ones_named() -> None:
    with pytest.raises(InputError, match="choose from serial, pool, queue, ray"):
        execute(draws(1), executor="slurm")


def test_without_ray_the_remedy_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "gemel.flow.cohort.executors.ray_cluster", raising=False)
    with pytest.raises(InputError, match=r"pip install 'gemel\[ray\]'"):
        execute(draws(1), executor="ray")


@pytest.mark.parametrize("name", ["tests.unit", "__main__:draw", "tests:", ":draw", "tests:dr aw"])
def test_a_function_that_no_worker_could_import_is_refused(name: str) -> None:
    with pytest.raises(InputError, match=r"package\.module:name"):
        Task(name, {}, 1)


@pytest.mark.parametrize(("name", "found"), [("nowhere.trial:live", "no module nowhere"), (f"{HERE}:nothing", "no attribute 'nothing'")])
def test_a_function_that_is_not_there_is_refused(name: str, found: str) -> None:
    with pytest.raises((InputError, TaskError), match=found):
        whole(execute([Task(name, {}, 1)], executor="serial"))


@pytest.mark.parametrize("inputs", [{"x": float("inf")}, {"x": np.zeros(2)}, {"x": {1}}])
def test_inputs_that_are_not_finite_json_are_refused(inputs: dict[str, object]) -> None:
    with pytest.raises(InputError, match=r"Task\.inputs\.x"):
        Task(f"{HERE}:draw", inputs, 1)


def test_a_negative_seed_is_refused_and_a_large_one_is_not() -> None:
    with pytest.raises(InputError, match="seed -1"):
        Task(f"{HERE}:draw", {}, -1)
    given = [Task(f"{HERE}:draw", {"n": 2, "patient": 0}, 2**70)]
    assert len(whole(execute(given, executor="serial"))) == 1


def test_tasks_that_other_code_put_are_refused_with_the_difference(tmp_path: Path) -> None:
    with gemel.store.open(tmp_path / "twins.db") as store:
        then = json.loads(environment.environment()) | {"gemel": "0.0.9"}
        queue.open_queue(store.rows, queue.Queue("q", "work", json.dumps(then), 0.0))
        queue.put(store.rows, "q", {draws(1)[0].name: draws(1)[0].body}, "0" * 64)
        with pytest.raises(InputError, match=r"other code: gemel 0\.0\.9, now"):
            workers_of.work(store, workers_of.claim_of("q"), workers_of.Patience(), workers_of.Stop())


def test_a_task_whose_own_code_changed_is_refused_and_stays_in_the_queue(tmp_path: Path) -> None:
    with gemel.store.open(tmp_path / "twins.db") as store:
        queue.open_queue(store.rows, queue.Queue("q", "work", environment.environment().decode(), 0.0))
        queue.put(store.rows, "q", {"0" * 64: draws(1)[0].body}, named.environment_digest())
        with pytest.raises(InputError, match="whose code changed"):
            workers_of.work(store, workers_of.claim_of("q"), workers_of.Patience(), workers_of.Stop())
        assert standing.counts(store.rows, "q")[queue.WAITING] == 1


def test_workers_that_cannot_begin_are_not_started_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["gemel.flow.cohort.executors.pool"], "ENTRY", "json.no_such_module")
    with pytest.raises(TaskError, match="nothing done"):
        execute(draws(2), workers=1)


def test_progress_is_told_of_what_takes_longer_than_two_seconds(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    execute(draws(2), executor="serial", progress=lambda *words: told.append(words))
    assert told == []
    execute(naps(tmp_path, 5, 0.6), executor="serial", progress=lambda *words: told.append(words))
    assert told
    assert all(what == "tasks" and total == 5 for what, _, total in told)
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)


def test_no_tasks_are_no_work() -> None:
    assert execute([]) == {}
