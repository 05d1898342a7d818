"""A child process: what it returns, refuses and tells; what becomes of it when it is killed or idle."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from gemel import store
from gemel.core.errors import InputError, TaskError
from gemel.service.jobs import Hand, Order, Place, here, let_go

TABLE = "tests.unit.service.jobs.table_of_tests:TABLE"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    with store.open(tmp_path / "twins.db"):
        pass
    return Place(str(tmp_path / "twins.db"), str(tmp_path), TABLE)


@pytest.fixture
def hand(place: Place) -> Iterator[Hand]:
    made = Hand(place)
    yield made
    let_go(made)


def test_it_works_in_another_process_which_is_kept_and_tells_how_far_it_is(hand: Hand) -> None:
    heard: list[tuple[str, int, int]] = []
    first = hand(Order("count", {"twin": "t"}), lambda *told: heard.append(told))
    assert first["pid"] != os.getpid()
    assert first["twin"] == "t"
    assert heard == [("steps", 0, 3), ("steps", 1, 3), ("steps", 2, 3)]
    assert hand(Order("count"))["pid"] == first["pid"]
    with pytest.raises(InputError, match="nothing of use in here — give another"):
        hand(Order("refuse"))
    with pytest.raises(TaskError, match="a fault inside break_down") as error:
        hand(Order("break_down"))
    assert "secret" not in str(error.value)
    assert hand(Order("count"))["pid"] == first["pid"]  # an error ends nothing


def test_a_killed_child_is_an_error_in_words_and_the_next_order_has_a_new_one(hand: Hand, tmp_path: Path) -> None:
    def kill() -> None:
        while not (tmp_path / "began").exists():
            time.sleep(0.02)
        let_go(hand)

    killer = Thread(target=kill)
    killer.start()
    with pytest.raises(TaskError, match="whose process ended"):
        hand(Order("wait"))
    killer.join()
    assert hand(Order("count"))["pid"] != int((tmp_path / "began").read_text())


def test_a_child_without_work_ends_and_is_started_again_unnoticed(place: Place) -> None:
    hand = Hand(place, idle_s=0.2)
    first = hand(Order("count"))
    assert hand.child is not None
    hand.child.process.join(10.0)
    assert not hand.child.process.is_alive()
    assert hand(Order("count"))["pid"] != first["pid"]
    let_go(hand)


def test_the_same_without_a_process(place: Place) -> None:
    asked = here(place)
    assert asked(Order("count"), lambda *told: None)["pid"] == os.getpid()
    with pytest.raises(InputError, match="nothing of use"):
        asked(Order("refuse"), lambda *told: None)


def test_an_order_that_meets_a_child_just_ended_goes_to_a_new_one(hand: Hand, monkeypatch: pytest.MonkeyPatch) -> None:
    first = hand(Order("count"))
    assert hand.child is not None
    monkeypatch.setattr(hand.child.process, "is_alive", lambda: True)  # as it was a moment ago
    hand.child.process.kill()
    hand.child.process.join(10.0)
    assert hand(Order("count"))["pid"] != first["pid"]


def test_a_hand_that_was_let_go_for_good_starts_no_child_again(hand: Hand) -> None:
    let_go(hand)
    assert hand(Order("count"))["pid"]
    let_go(hand, for_good=True)
    with pytest.raises(TaskError, match="a service that ends"):
        hand(Order("count"))
    assert hand.child is None
