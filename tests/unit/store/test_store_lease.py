"""One process at a time works on a twin; the other is told who has it, and a dead one holds nothing."""

import subprocess
import sys

import pytest

import gemel.store
from gemel.core.errors import ConflictError
from gemel.store import Store
from gemel.store.process import Process, is_dead, this_process

HOLD = """
import sys, gemel.store
with gemel.store.open(sys.argv[1]) as store, store.lease("p1", "night run"):
    print("held", flush=True)
    sys.stdin.read()
"""


def holder(url: str) -> subprocess.Popen[str]:
    """Another process that has the lease on p1."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline() == "held\n"
    return process


def finish(process: subprocess.Popen[str]) -> None:
    process.communicate("")


def test_a_second_process_on_the_same_twin_is_refused_until_the_first_has_finished(store: Store, url: str) -> None:
    first = holder(url)
    for act in (lambda: store.append("p1", "Observed", {}), lambda: store.lease("p1", "me").__enter__()):
        with pytest.raises(ConflictError, match=f"held by night run .process {first.pid} .*repeat when it has finished"):
            act()
    assert store.append("p2", "Observed", {}).version == 1
    assert [(lease.twin, lease.holder.pid) for lease in store.leases()] == [("p1", first.pid)]
    finish(first)
    with store.lease("p1", "me") as lease:
        assert lease.holder == this_process()
        assert store.append("p1", "Observed", {}).version == 1
    assert store.leases() == []


def test_the_lease_of_a_killed_process_is_taken_over(store: Store, url: str) -> None:
    first = holder(url)
    first.kill()
    first.communicate()
    assert store.append("p1", "Observed", {}).version == 1
    with store.lease("p1", "me"):
        assert [lease.actor for lease in store.leases()] == ["me"]


def test_the_holder_who_was_pushed_aside_can_no_longer_write(store: Store, url: str) -> None:
    with gemel.store.open(url) as other, store.lease("p1", "first"):
        assert other.release("p1")
        assert not other.release("p1")
        with pytest.raises(ConflictError, match="taken away"):
            store.append("p1", "Observed", {})
        with other.lease("p1", "second"), pytest.raises(ConflictError, match="taken away"):
            store.append("p1", "Observed", {})
    assert store.append("p1", "Observed", {}).version == 1


def test_a_lease_is_given_back_when_the_block_fails_and_is_not_taken_twice(store: Store) -> None:
    with store.lease("p1", "me"), pytest.raises(ConflictError, match="held by me"):
        store.lease("p1", "me").__enter__()
    with pytest.raises(ZeroDivisionError), store.lease("p1", "me"):
        _ = 1 / 0
    assert store.leases() == []


def test_a_writer_that_waits_too_long_is_a_conflict(store: Store, url: str) -> None:
    with gemel.store.open(url, busy_s=0.05) as other, store.rows.transaction():
        with pytest.raises(ConflictError, match="another process is writing"):
            other.append("p1", "Observed", {})
        assert other.twins() == []
    assert store.head() == "0" * 64


def test_a_process_is_dead_only_when_that_is_known() -> None:
    me = this_process()
    assert not is_dead(me)
    assert is_dead(Process(me.host, "another boot", me.pid, me.started))
    assert is_dead(Process(me.host, me.boot, 2**22 + 1, me.started))
    assert not is_dead(Process("another host", me.boot, 2**22 + 1, me.started))
    if me.started:
        assert is_dead(Process(me.host, me.boot, me.pid, "0"))
