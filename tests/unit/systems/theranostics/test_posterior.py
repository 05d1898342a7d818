"""The posterior of the patient model: scans without information change nothing, and it costs what it may."""

import time
from dataclasses import replace

import numpy as np
import pytest

from gemel.core import twin as twins
from gemel.core.forecast import forecast
from gemel.core.time import DAY_S
from gemel.flow.conformance.form import WORTHLESS
from gemel.flow.conformance.subject import Subject, followed
from gemel.systems.theranostics.system import SYSTEM


@pytest.mark.parametrize("seed", [5, 6])
def test_a_scan_with_a_millionfold_error_moves_no_forecast(seed: int) -> None:
    """Within 0.1 sd, where an examination allows 0.15: what is left is the noise of the sampler."""
    subject = Subject(SYSTEM)
    here = followed(subject.model, subject.patient, (0, 1, 2), seed=seed)
    blind = twins.assimilate(here, tuple(replace(o, sd=WORTHLESS * o.sd) for o in subject.patient.observations[3]))
    kinds, t_s = list(subject.model.observe), blind.t_s + DAY_S
    one, other = (forecast(twin, (), kinds, t_s, 4000, np.random.default_rng(3)).values for twin in (here, blind))
    for kind in kinds:
        assert abs(one[kind].mean() - other[kind].mean()) < 0.1 * one[kind].std(), kind
        assert abs(other[kind].std() / one[kind].std() - 1) < 0.1, kind


def test_a_posterior_from_three_scans_takes_less_than_five_seconds_of_one_processor() -> None:
    subject = Subject(SYSTEM)
    seen = [o for scan in subject.patient.observations[:3] for o in scan]
    subject.model.condition(twins.new(subject.model, 0.0, 1), seen, np.random.default_rng(0))  # compiled
    began = time.process_time()
    subject.model.condition(twins.new(subject.model, 0.0, 1), seen, np.random.default_rng(0))
    assert time.process_time() - began < 5.0
