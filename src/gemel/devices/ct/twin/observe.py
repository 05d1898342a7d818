"""What one day's check shows, as departures from the baseline with their errors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gemel.core.errors import InputError
from gemel.core.image import Array
from gemel.core.quality import QualityDay
from gemel.core.record import Observation
from gemel.core.system import Progress
from gemel.core.time import iso
from gemel.devices.ct.phantom.measured import Measured, measure
from gemel.devices.ct.twin.case import Case
from gemel.devices.ct.twin.names import METRICS


@dataclass(frozen=True)
class Day:
    """When; in the order of METRICS what was measured (NaN: not measured), its departure from the baseline and the error of that.

    `quality`: the same by name, `notes`: about the phantom.
    """

    acquired_s: float
    values: Float[Array, "m"]
    departures: Float[Array, "m"]
    sd: Float[Array, "m"]
    quality: Mapping[str, float]
    notes: tuple[str, ...]


def observe(case: Case, scan: QualityDay, progress: Progress) -> Day:
    """One check measured. Raises what the phantom raises, and InputError where nothing that the baseline holds was measured."""
    return day_of(case, measure(scan), scan)


def day_of(case: Case, found: Measured, scan: QualityDay) -> Day:
    """The day of what was measured."""
    values = np.where(np.isfinite(case.monitor.metrics[:, 0]), found.vector(METRICS), np.nan)
    if not np.isfinite(values).any():
        raise InputError(f"a check that shows {found.words}", where=scan.source[:64], remedy="scan the phantom of the baseline")
    quality = {name: float(value) for name, value in zip(METRICS, values) if np.isfinite(value)}
    lacks = [name for name, value, row in zip(METRICS, values, case.monitor.metrics) if np.isfinite(row[0]) and not np.isfinite(value)]
    return Day(scan.acquired_s, values, values - case.monitor.metrics[:, 0], case.sd, quality, (*found.notes, *_lacking(lacks, scan)))


def _lacking(names: Sequence[str], scan: QualityDay) -> tuple[str, ...]:
    """What the baseline holds and the day does not, in words."""
    if not names:
        return ()
    why = " (no row of the day in the tube's log)" if not len(scan.tube) and any(name.startswith("tube") for name in names) else ""
    return (f"{iso(scan.acquired_s)[:10]}: not measured, though in the baseline: {', '.join(names)}{why}",)


def observations(day: Day, t_s: float, source: str) -> tuple[Observation, ...]:
    """What the model is told."""
    rows = zip(METRICS, day.departures, day.sd)
    return tuple(Observation(name, t_s, np.array([value]), np.array([sd]), source) for name, value, sd in rows if np.isfinite(value))
