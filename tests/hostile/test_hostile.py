"""A sample of the hostile corpus through a live service; all of it with `full`; benchmarks/hostile_corpus.py prints the table."""

from pathlib import Path

import pytest

from tests.hostile.campaign import Amount, Report, run
from tests.hostile.crafted import KEPT, REFUSED

SERVICE_MB, CHILD_MB, OBJECT_S, HEALTH_S = 512.0, 512.0, 5.0, 1.0


@pytest.fixture(scope="module", params=[500, pytest.param(10_000, marks=pytest.mark.full)])
def report(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Report:
    """What came of that many spoiled objects and all crafted classes."""
    amount = Amount(request.param, pictures=300) if request.param > 1000 else Amount(request.param, pictures=3, volumes=0)
    return run(Path(tmp_path_factory.mktemp("hostile")), amount)


def test_every_crafted_class_ends_as_it_must(report: Report) -> None:
    assert len(report.crafted) >= 40
    wrong = [f"{row.name}: {row.line()}" for outcome, row in report.crafted if (row.kept == 1) != (outcome == KEPT) or row.sent != 1]
    assert not wrong
    assert {outcome for outcome, _ in report.crafted} == {KEPT, REFUSED}


def test_every_request_that_lies_is_answered_in_kind(report: Report) -> None:
    assert not [f"{name}: {status}, not {expected}" for name, status, expected in report.requests if status not in expected]


def test_nothing_that_was_sent_or_read_back_fails_the_service(report: Report) -> None:
    assert report.alive
    assert not report.failures


def test_every_object_is_accounted_for(report: Report) -> None:
    assert all(row.sent == row.kept + row.refused + row.quarantined for row in report.rows)
    kept, sent = sum(row.kept for row in report.mutated.values()), sum(row.sent for row in report.mutated.values())
    assert 0.05 * sent < kept < 0.6 * sent  # spoiled enough to be refused, and whole enough to be read back


def test_nothing_is_written_outside_the_folder_of_the_service(report: Report) -> None:
    assert not report.written


def test_memory_and_time_stay_bounded_and_the_service_answers(report: Report) -> None:
    assert 0 < report.watched.service_MB < SERVICE_MB
    assert 0 < report.watched.child_MB < CHILD_MB
    assert 0 < max(row.slowest_cpu_s for row in report.rows) < OBJECT_S  # by the clock it also depends on what else the machine does
    assert report.watched.failed == 0
    assert report.watched.probes > 5
    assert report.watched.slowest_s < HEALTH_S
    assert report.watched.echoes > 1
    assert report.watched.slowest_echo_s < HEALTH_S
