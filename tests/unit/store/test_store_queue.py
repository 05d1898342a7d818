"""The durable queue: each task in one pair of hands, one result accepted, nothing lost with a worker."""

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

import gemel.store
from gemel.core.errors import StoreError
from gemel.store import Store, queue, standing
from gemel.store.process import this_process
from gemel.store.queue import MOST_ATTEMPTS, MOST_DEATHS, Claim, Finished, Leased, Queue
from gemel.store.rows import Rows

CODE = "c" * 64
A, B = (Claim(worker, "q", CODE, 60.0) for worker in ('["here","boot",1,"1"]', '["here","boot",2,"2"]'))


def put(rows: Rows, n: int = 3, name: str = "q") -> list[str]:
    names = [f"{i:064d}" for i in range(n)]
    queue.open_queue(rows, Queue(name, "work", '{"code":"c"}', 0.0))
    queue.put(rows, name, {task: f'{{"i":{i}}}' for i, task in enumerate(names)}, CODE)
    return names


def done(task: Leased, text: str = "1") -> Finished:
    return Finished(task, 0.5, text)


def states(store: Store, name: str = "q") -> tuple[int, ...]:
    return tuple(standing.counts(store.rows, name).values())


def test_tasks_are_leased_in_their_order_each_to_one_worker(store: Store) -> None:
    names = put(store.rows, 5)
    first, second = queue.lease(store.rows, A, 2, 0.0), queue.lease(store.rows, B, 9, 0.0)
    assert [task.name for task in (*first, *second)] == names
    assert [task.body for task in first] == ['{"i":0}', '{"i":1}']
    assert queue.lease(store.rows, A, 9, 0.0) == []
    assert states(store) == (0, 5, 0, 0)


def test_a_lease_that_ran_out_goes_to_another_and_a_heartbeat_prolongs_it(store: Store) -> None:
    put(store.rows, 1)
    queue.lease(store.rows, A, 1, 0.0)
    assert not queue.waits(store.rows, B, 60.0)
    assert queue.heartbeat(store.rows, A, 50.0) == 1
    assert queue.lease(store.rows, B, 1, 110.0) == []
    assert queue.waits(store.rows, B, 110.1)
    assert len(queue.lease(store.rows, B, 1, 110.1)) == 1
    assert queue.heartbeat(store.rows, A, 111.0) == 0


def test_one_result_is_accepted_and_the_same_again_changes_nothing(store: Store) -> None:
    put(store.rows, 1)
    (task,) = queue.lease(store.rows, A, 1, 0.0)
    (again,) = queue.lease(store.rows, B, 1, 61.0)
    for claim, leased in ((A, task), (B, again)):
        queue.finish(store.rows, claim, [done(leased)])
        assert states(store) == (0, 0, 1, 0)
    (kept,) = standing.ended(store.rows, "q")
    assert (kept.result, kept.error, kept.seconds) == ("1", "", 0.5)


def test_another_result_of_the_same_task_fails_it_for_good(store: Store) -> None:
    (name,) = put(store.rows, 1)
    (task,) = queue.lease(store.rows, A, 1, 0.0)
    queue.finish(store.rows, A, [done(task), done(task, "2")])
    assert states(store) == (0, 0, 0, 1)
    assert "not deterministic" in standing.failures(store.rows, "q")[0][1]
    put(store.rows, 1)
    queue.finish(store.rows, A, [done(task), done(task, "2")])
    assert states(store) == (0, 0, 0, 1)
    assert [(kept.name, kept.result) for kept in standing.ended(store.rows, "q")] == [(name, "")]


def test_another_array_is_another_result(store: Store) -> None:
    put(store.rows, 1)
    (task,) = queue.lease(store.rows, A, 1, 0.0)
    queue.finish(store.rows, A, [Finished(task, 1.0, "1", "a" * 64), Finished(task, 1.0, "1", "b" * 64)])
    assert states(store) == (0, 0, 0, 1)


def test_a_task_that_raises_is_tried_again_and_then_failed_with_its_cause(store: Store) -> None:
    put(store.rows, 2)
    for attempt in range(MOST_ATTEMPTS):
        (task,) = queue.lease(store.rows, A, 1, 0.0)
        assert task.body == '{"i":0}'
        queue.finish(store.rows, A, [Finished(task, 0.1, error=f"no dose ({attempt})")])
    assert standing.failures(store.rows, "q") == [(f"{0:064d}", f"no dose ({MOST_ATTEMPTS - 1})")]
    assert states(store) == (1, 0, 0, 1)
    put(store.rows, 2)
    assert states(store) == (2, 0, 0, 0)


def test_an_error_of_a_worker_that_lost_the_lease_does_not_count(store: Store) -> None:
    put(store.rows, 1)
    (task,) = queue.lease(store.rows, A, 1, 0.0)
    queue.lease(store.rows, B, 1, 61.0)
    queue.finish(store.rows, A, [Finished(task, 0.1, error="late")])
    assert states(store) == (0, 1, 0, 0)
    queue.finish(store.rows, B, [done(task)])
    assert states(store) == (0, 0, 1, 0)


def test_a_worker_that_goes_gives_back_and_nothing_is_counted(store: Store) -> None:
    put(store.rows, 3)
    queue.lease(store.rows, A, 2, 0.0)
    assert queue.give_back(store.rows, A) == 2
    assert len(queue.lease(store.rows, B, 3, 0.0)) == 3, "given back on purpose, they are leased together"


def test_what_a_dead_worker_held_is_taken_back_and_a_living_ones_is_not(store: Store) -> None:
    put(store.rows, 2)
    living = replace(A, worker=queue.worker_name())
    dead = replace(A, worker=queue.worker_name(replace(this_process(), started="0")))
    for claim in (living, dead):
        queue.lease(store.rows, claim, 1, 0.0)
    assert queue.bury(store.rows, "q") == 1
    assert states(store) == (1, 1, 0, 0)


def test_a_task_that_was_lost_with_its_worker_is_leased_alone_and_at_last_failed(store: Store) -> None:
    put(store.rows, 4)
    queue.lease(store.rows, A, 2, 0.0)
    sizes = []
    for death in range(1, MOST_DEATHS + 1):
        taken = queue.lease(store.rows, A, 4, 61.0 * death)
        sizes.append([task.body for task in taken])
    assert sizes[: MOST_DEATHS - 1] == [['{"i":0}']] * (MOST_DEATHS - 1), "it takes no other with it"
    assert sizes[-1] == ['{"i":1}'], "the second was lost once with the first, and is tried alone too"
    ((name, cause),) = standing.failures(store.rows, "q")
    assert (name, f"{MOST_DEATHS} times" in cause) == (f"{0:064d}", True)


def test_a_task_done_in_one_queue_is_done_in_another(store: Store) -> None:
    put(store.rows, 2)
    (task,) = queue.lease(store.rows, A, 1, 0.0)
    queue.finish(store.rows, A, [done(task, "7")])
    put(store.rows, 3, "wider")
    assert states(store, "wider") == (2, 0, 1, 0)
    assert [kept.result for kept in standing.ended(store.rows, "wider")] == ["7"]
    assert [row.queue for row in standing.standings(store.rows)] == ["q", "wider"]


def test_tasks_of_other_code_are_not_leased(store: Store) -> None:
    put(store.rows, 1)
    other = replace(A, environment="d" * 64)
    assert not queue.waits(store.rows, other, 0.0)
    assert queue.lease(store.rows, other, 1, 0.0) == []
    assert standing.foreign(store.rows, "q", other.environment) == ['{"code":"c"}']
    assert standing.foreign(store.rows, "q", CODE) == []


def test_a_worker_of_any_queue_takes_from_all(store: Store) -> None:
    put(store.rows, 1, "a")
    put(store.rows, 1, "b")
    taken = queue.lease(store.rows, replace(A, queue=""), 9, 0.0)
    assert [task.queue for task in taken] == ["a", "b"]
    queue.finish(store.rows, A, [done(taken[0])])
    assert states(store, "a") == (0, 0, 1, 0)
    assert states(store, "b") == (0, 1, 0, 0)


def test_an_altered_result_is_not_handed_out(store: Store) -> None:
    put(store.rows, 1)
    queue.finish(store.rows, A, [done(queue.lease(store.rows, A, 1, 0.0)[0])])
    with store.rows.change():
        store.rows.execute("UPDATE task SET result = '2'")
    with pytest.raises(StoreError, match="does not match its hash"):
        list(standing.ended(store.rows, "q"))


def test_the_queue_outlives_its_process_and_is_no_part_of_the_chain(store: Store, url: str) -> None:
    put(store.rows, 2)
    head = store.head()
    queue.finish(store.rows, A, [done(queue.lease(store.rows, A, 1, 0.0)[0])])
    with gemel.store.open(url) as other:
        assert tuple(standing.counts(other.rows, "q").values()) == (1, 0, 1, 0)
        assert (other.head(), other.twins(), other.verify()) == (head, [], True)


def test_arrays_of_results_are_not_swept_away(store: Store, url: str) -> None:
    put(store.rows, 1)
    kept, stray = store.artefacts.put(b"arrays of a result"), store.artefacts.put(b"arrays of none")
    queue.finish(store.rows, A, [Finished(queue.lease(store.rows, A, 1, 0.0)[0], 1.0, "1", kept)])
    store.close()
    with gemel.store.open(url) as again:
        assert [path.name[:64] for path in again.swept.quarantined] == [stray]
        assert again.artefacts.get(kept) == b"arrays of a result"


def test_workers_of_a_server_pass_over_rows_that_another_is_taking(store: Store, url: str, request: pytest.FixtureRequest) -> None:
    if not url.startswith("postgresql"):
        pytest.skip("a file has one writer at a time: there are no rows to pass over")
    names = put(store.rows, 4)
    with gemel.store.open(url, busy_s=0.2) as other, store.rows.change():
        assert [task.name for task in queue.lease(store.rows, A, 2, 0.0)] == names[:2]
        assert [task.name for task in queue.lease(other.rows, B, 4, 0.0)] == names[2:], "without waiting for the first"
        other.append("p1", "Observed", {})


def test_a_record_of_schema_2_gets_the_queue(url: str, path: Path) -> None:
    with gemel.store.open(url) as store:
        event = store.append("p1", "Observed", {})
        if url.startswith("postgresql"):
            with store.rows.change():
                for statement in ("DROP TABLE task", "DROP TABLE queue", "UPDATE setting SET value = '2' WHERE name = 'schema'"):
                    store.rows.execute(statement)
    if not url.startswith("postgresql"):
        connection = sqlite3.connect(path, isolation_level=None)
        for statement in ("DROP TABLE task", "DROP TABLE queue", "PRAGMA user_version = 2"):
            connection.execute(statement)
        connection.close()
    with gemel.store.open(url) as store:
        assert store.events("p1") == [event]
        assert len(put(store.rows)) == 3
        assert states(store) == (3, 0, 0, 0)
    with gemel.store.open(url) as store:
        assert states(store) == (3, 0, 0, 0)
