"""What lying off centre costs: nothing without a bowtie that matters, the more the thicker it is, and as much as two scans compared."""

from dataclasses import replace

import numpy as np
import pytest

from gemel.devices.ct import Protocol, Task, generic, slice_model, trace, water_ellipse_HU
from gemel.devices.ct.bowtie import NONE, cylinder_bowtie
from gemel.devices.ct.choice import off_centre
from gemel.devices.ct.scanner import Scanner

STEP = (3.0, 3.0)
ROUND = water_ellipse_HU(28, 28)
DOWN = np.roll(ROUND, 12, axis=1)  # 36 mm


def ratio(scanner: Scanner, place: tuple[float, float] = (0.0, 36.0)) -> float:
    lies = trace(DOWN, STEP, scanner)
    found = off_centre(DOWN, STEP, scanner, as_lies=lies, protocol=Protocol(), task=Task(6.0, contrast_HU=-25.0, place_mm=place))
    assert found.off_mm == pytest.approx(36.0, abs=0.5)
    return found.noise_ratio


def test_it_is_what_two_scans_would_show() -> None:
    scanner = generic()
    task = Task(6.0, contrast_HU=-25.0)
    there = slice_model(trace(ROUND, STEP, scanner), scanner, protocol=Protocol(), task=task).sd_HU
    here = slice_model(trace(DOWN, STEP, scanner), scanner, protocol=Protocol(), task=replace(task, place_mm=(0.0, 36.0))).sd_HU
    assert ratio(scanner) == pytest.approx(here / there, rel=0.003)


def test_the_cost_is_the_bowties() -> None:
    bare = replace(generic(), bowtie=NONE)
    full = replace(generic(), bowtie=cylinder_bowtie(28.0, bare.gantry.source_isocentre_mm))
    assert ratio(bare) == pytest.approx(1.0, abs=0.01)
    assert ratio(bare) < ratio(generic()) < ratio(full)
    assert 1.05 < ratio(full) < 1.25  # 10 to 20 % at 3 to 4 cm on scanners with a full bowtie
