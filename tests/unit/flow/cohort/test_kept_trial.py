"""A trial taken up again from the tasks that a record holds: the same table, and no trial where there is none."""

from pathlib import Path

import numpy as np
import pytest

from gemel import store
from gemel.flow.cohort import run
from gemel.flow.cohort.kept_trial import charts_of, trial_of
from gemel.store import queue, standing


def test_a_trial_is_what_its_record_holds(installed: Path, tmp_path: Path) -> None:
    with store.open(tmp_path / "twins.db") as held:
        whole = run("toy", patients=6, draws=20, seed=3, executor="serial", store=held)
        name = standing.standings(held.rows)[0].queue
        found = trial_of(held, name)
        assert found is not None
        assert (found.digest, found.patients, found.arms, found.units) == (whole.digest, 6, whole.arms, whole.units)
        arms, differences = charts_of(found)
        means = [whole.summary(arm).mean for arm in ("twin", "prior", "fixed", "hindsight")]
        np.testing.assert_allclose(arms.panels[0].traces[1].y, means)
        assert differences.panels[0].traces[0].y[1] == pytest.approx(whole.paired("twin", "fixed").difference)


def test_what_is_no_trial_or_not_done_is_none(installed: Path, tmp_path: Path) -> None:
    with store.open(tmp_path / "twins.db") as held:
        assert trial_of(held, "nothing") is None
        queue.open_queue(held.rows, queue.Queue("q", "a title", "", 0.0))
        queue.put(held.rows, "q", {"t": '{"function":"a:b","inputs":{},"seed":0}'}, "e")
        assert trial_of(held, "q") is None
        run("toy", patients=6, draws=20, seed=3, executor="serial", store=held)
        name = next(row.queue for row in standing.standings(held.rows) if row.queue != "q")
        with held.rows.change():
            held.rows.execute("UPDATE task SET state = 'waiting' WHERE queue = ? AND number = 0", (name,))
        assert trial_of(held, name) is None
