"""A scanner at the start of its record: who it is, its protocol, its baseline days, and the charts that they allow."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gemel.core.errors import IdentityError, InputError, RangeError
from gemel.core.image import Array
from gemel.core.number import number
from gemel.core.quality import Exposure, QualityDay
from gemel.core.time import DAY_S, iso
from gemel.devices.ct.phantom.measured import Measured, measure
from gemel.devices.ct.twin.names import METRICS
from gemel.devices.ct.twin.table import DENSE, LIGHT, material_of, response
from gemel.engines.inference.charts.monitor import Monitor, monitor

RUN_LENGTH_d = 250.0
"""Days between false alarms of all charts together that are promised: a working year."""
SEED = 7
SAME = 0.02


@dataclass(frozen=True)
class Case:
    """The scanner, how it is exposed, what its rods are, the last baseline day, charts, errors of a single day, and what was assumed."""

    scanner: str
    exposure: Exposure
    light: str
    dense: str
    start_s: float
    monitor: Monitor
    sd: Float[Array, "m"]
    rods: Float[Array, "rods 2"]
    notes: tuple[str, ...]


def begin(baseline_qc: QualityDay | Sequence[QualityDay], *, run_length_days: float | str = RUN_LENGTH_d) -> Case:
    """A case from the baseline days. Raises IdentityError for days of two scanners, InputError for two protocols, or too few days."""
    days = (baseline_qc,) if isinstance(baseline_qc, QualityDay) else tuple(baseline_qc)
    days = tuple(sorted(days, key=lambda day: day.acquired_s))
    promised_d = number(float(run_length_days), "run_length_days")
    if not 10 <= promised_d <= 5000:
        raise RangeError(f"{promised_d:g} days between false alarms", where="run_length_days", remedy="choose 10 to 5000")
    for day in days[1:]:
        require_alike(days[0].scanner, days[0].exposure, day)
    if len({round(day.acquired_s / DAY_S) for day in days}) < len(days):
        raise InputError("two baseline checks of one day", where="baseline", remedy="keep one check a day")
    found = [measure(day) for day in days]
    return case_of(days[0], found, days[-1].acquired_s, promised_d)


def case_of(first: QualityDay, found: Sequence[Measured], last_s: float, promised_d: float = RUN_LENGTH_d) -> Case:
    """The case of what was measured on the baseline days."""
    rods = np.median(np.stack([m.rods for m in found]), axis=0) if len({m.rods.shape for m in found}) == 1 else np.zeros((0, 2))
    light, dense = (
        material_of(value, first.exposure.kVp) if np.isfinite(value) else fallback
        for value, fallback in zip(np.median([m.extremes for m in found], axis=0), (LIGHT, DENSE))
    )
    rows = np.stack([m.vector(METRICS) for m in found])
    held = monitor(rows, response(light, dense, first.exposure.kVp), run_length_d=promised_d, rng=np.random.default_rng(SEED))
    unseen = [name for name, row in zip(METRICS, held.metrics) if not np.isfinite(row[0])]
    missing = (f"not measured on every baseline day, not charted: {', '.join(unseen)}",) if unseen else ()
    notes = (
        f"{len(found)} baseline days; rods taken for {light} and {dense}; false alarms promised every {promised_d:g} days or less often",
        "how far faults go, how fast scanners wander and what actions leave is assumed, not measured",
        *missing,
    )
    return Case(first.scanner, first.exposure, light, dense, last_s, held, _sd(held, len(found)), rods, notes)


def _sd(held: Monitor, days: int) -> Float[Array, "m"]:
    """Of one day about the baseline's level, of which the error counts too; what comes and goes within days is in the model's state."""
    return np.asarray(held.metrics[:, 2] * np.sqrt(1 + 1 / days))


def require_alike(scanner: str, exposure: Exposure, day: QualityDay) -> None:
    """Raises IdentityError for another scanner, InputError for another protocol."""
    if day.scanner != scanner:
        found = f"images of {day.scanner or 'an unnamed scanner'} at {iso(day.acquired_s)}"
        raise IdentityError(found, where=day.source[:64], remedy=f"this twin is of {scanner or 'an unnamed scanner'}")
    if different := _different(day.exposure, exposure):
        remedy = f"expose as the baseline was: {exposure.words}"
        raise InputError(f"a check with {', '.join(different)}", where=day.source[:64], remedy=remedy)


def _different(other: Exposure, own: Exposure) -> tuple[str, ...]:
    """What is not as in the baseline, in words."""
    pairs = (
        (abs(other.kVp - own.kVp) < 1e-6, f"{other.kVp:g} instead of {own.kVp:g} kV"),
        (abs(other.mAs - own.mAs) <= SAME * own.mAs, f"{other.mAs:g} instead of {own.mAs:g} mAs"),
        (abs(other.slice_mm - own.slice_mm) < 1e-3, f"slices of {other.slice_mm:g} instead of {own.slice_mm:g} mm"),
        (other.kernel == own.kernel, f"{_kernel(other)} instead of {_kernel(own)}"),
    )
    return tuple(words for alike, words in pairs if not alike)


def _kernel(of: Exposure) -> str:
    return f"kernel {of.kernel}" if of.kernel else "no ConvolutionKernel"
