"""The plan score: nine piecewise-linear functions of the readouts, read from a versioned data file."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
from jaxtyping import Float

from gemel.core.decision import Goal, Limit
from gemel.core.errors import InputError
from gemel.core.image import Array


@dataclass(frozen=True)
class Curve:
    """Points against one readout: linear between `knots`, constant beyond. `limit` is the published constraint (at most), if any."""

    readout: str
    knots: tuple[float, ...]
    points: tuple[float, ...]
    limit: float | None


@dataclass(frozen=True)
class ScoreTable:
    """A version of the score; `cover` is the chance constraint that every plan should keep."""

    version: str
    curves: tuple[Curve, ...]
    cover: Limit


def score_table(version: str = "1") -> ScoreTable:
    """The table `score_v<version>.json` that ships with gemel. Raises InputError for a version that does not."""
    path = files(__package__).joinpath(f"score_v{version}.json")
    if not path.is_file():
        raise InputError(f"no score table of version {version!r}", where="score", remedy="use version 1")
    table = json.loads(path.read_text(encoding="utf-8"))
    curves = tuple(Curve(name, tuple(row["knots"]), tuple(row["points"]), row.get("limit")) for name, row in table["readouts"].items())
    cover = table["cover"]
    return ScoreTable(table["version"], curves, Limit(cover["readout"], ">=", cover["at_least"], cover["probability"]))


def score(table: ScoreTable, readouts: Mapping[str, Float[Array, "draws"]]) -> Float[Array, "draws"]:
    """Sum of the curves over the readouts that there are (a patient without a boost lesion has no DIL readout)."""
    present = [curve for curve in table.curves if curve.readout in readouts]
    if not present:
        raise InputError("none of the readouts that the score knows", where="score", remedy="forecast the dose-volume readouts")
    return np.sum([np.interp(readouts[c.readout], c.knots, c.points) for c in present], axis=0)


def goal(table: ScoreTable) -> Goal:
    """Highest expected score, with target cover kept as a chance constraint."""
    return Goal(lambda values: score(table, values), (table.cover,), "points")
