"""A finished trial: its table, what it was made of, and the arms compared."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from jaxtyping import Float, Shaped

from gemel.core.card import Card
from gemel.core.digest import digest
from gemel.core.errors import InputError
from gemel.core.image import Array
from gemel.engines.inference.contrasts import skewed_interval
from gemel.flow.cohort import comparison
from gemel.flow.cohort.arms import HINDSIGHT, Arm
from gemel.flow.cohort.comparison import Paired, Summary

TEXTS = ("arm", "plan")


@dataclass(frozen=True)
class Trial:
    """A finished trial. `columns`: one row for each patient and arm, and one for hindsight, which is reported and is no arm:

    patient, arm, plan, true_loss, expected_loss (what the patient's twin expected of the plan when it was chosen), and every readout
    that is one number, as it came. `units` of the readouts by name; `code`: digest of all code that made it; `tasks`: names of the work.
    """

    system: str
    model: str
    version: str
    card: Card
    arms: tuple[Arm, ...]
    plans: tuple[str, ...]
    loss: str
    units: Mapping[str, str] = field(hash=False)
    patients: int
    draws: int
    seed: int
    code: str
    tasks: tuple[str, ...]
    columns: Mapping[str, Shaped[Array, "rows"]] = field(hash=False)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the table: the same for any number of workers."""
        return digest(dict(self.columns))

    def values(self, arm: str, readout: str = "") -> Float[Array, "patients"]:
        """One readout of every patient in one arm, or under hindsight; the loss unless stated. Raises InputError for a name unknown."""
        readout = readout or self.loss
        known = [name for name in self.columns if name not in ("patient", *TEXTS)]
        if readout not in known:
            raise InputError(f"no readout {readout!r}", where=f"trial of {self.model}", remedy=f"choose from {', '.join(known)}")
        return np.asarray(self.columns[readout][self._rows(arm)])

    def plans_of(self, arm: str) -> Mapping[str, int]:
        """How many patients were given each plan in an arm, the most frequent first."""
        names, counts = np.unique(self.columns["plan"][self._rows(arm)], return_counts=True)
        return {str(names[i]): int(counts[i]) for i in np.argsort(-counts, kind="stable")}

    def paired(self, a: str, b: str, readout: str = "") -> Paired:
        """Arm `a` less arm `b`, patient by patient, with intervals: see `comparison.Paired` and `comparison.HOW`."""
        readout = readout or self.loss
        x, y = self.values(a, readout), self.values(b, readout)
        point = comparison.alone(len(x))
        alone, together = (skewed_interval(x - y, c) for c in (point, point if HINDSIGHT in (a, b) else self._points[readout]))
        ends = (together.low, together.high, alone.low, alone.high)
        better, equal = float((x < y).mean()), float((x == y).mean())
        return Paired(a, b, readout, self.unit(readout), together.mean, *ends, better, equal, len(x))

    def pairs(self, readout: str = "") -> tuple[Paired, ...]:
        """Every two arms compared, then every arm with hindsight."""
        names = [arm.name for arm in self.arms]
        found = [*combinations(names, 2), *((name, HINDSIGHT) for name in names)]
        return tuple(self.paired(a, b, readout) for a, b in found)

    def summary(self, arm: str, readout: str = "") -> Summary:
        """Mean with its interval, median and central 90 % of the patients of an arm."""
        readout = readout or self.loss
        interval, (p05, median, p95) = comparison.summary(self.values(arm, readout))
        return Summary(arm, readout, self.unit(readout), interval.mean, interval.low, interval.high, median, p05, p95)

    def unit(self, readout: str) -> str:
        """Unit of a readout; the true and the expected loss have the loss's."""
        return self.units.get(readout, self.units[self.loss])

    def query(self, sql: str) -> list[dict[str, Any]]:
        """Rows, as dicts, of a query on the table `trial` in DuckDB's SQL. Raises InputError for one that cannot be answered."""
        return sql_table().query(self.columns, sql)  # type: ignore[no-any-return]

    def to_parquet(self, path: str | Path) -> Path:
        """Writes the table with what it is of (model, seed, code) as metadata."""
        about = {"system": self.system, "model": self.model, "version": self.version, "seed": str(self.seed), "code": self.code}
        sql_table().to_parquet(self.columns, Path(path), about | {"draws": str(self.draws), "digest": self.digest})
        return Path(path)

    @cached_property
    def _points(self) -> dict[str, float]:
        """By readout, the two-sided point that holds for all differences among the arms at once."""
        readouts = [name for name in self.columns if name not in ("patient", *TEXTS)]
        return {readout: comparison.critical([self.values(arm.name, readout) for arm in self.arms]) for readout in readouts}

    def _rows(self, arm: str) -> Array:
        names = [*(held.name for held in self.arms), HINDSIGHT]
        if arm not in names:
            raise InputError(f"no arm {arm!r}", where=f"trial of {self.model}", remedy=f"choose from {', '.join(names)}")
        return np.flatnonzero(self.columns["arm"] == arm)


def sql_table() -> ModuleType:
    """The module that holds DuckDB. Raises InputError, which names the extra, when it is not installed."""
    try:
        from gemel.flow.cohort import table
    except ImportError as error:
        raise InputError(f"no {error.name} for the table", where="trial", remedy="pip install 'gemel[trial]'") from error
    return table
