"""Persons who differ from one in the PSMA model by a given coefficient of variation, all of them possible."""

import numpy as np
from jaxtyping import Bool
from scipy.stats import truncnorm

from gemel.core.errors import InputError, RangeError
from gemel.core.image import Array
from gemel.systems.theranostics.pbpk_parameters import SWITCHES, Number, Row, Values, checked, table
from gemel.systems.theranostics.pbpk_physiology import possible

WHERE = "virtual patients"
TRIES = 100
SAME = (*SWITCHES, "lambda_physical_1_min", "k_PS_brain_1_min")
"""What does not differ between persons: the variant of the model, the label's decay, and a rate that is zero."""


def virtual_patients(
    like: Values, n: int, rng: np.random.Generator, *, cv_1: float | int = 0.3, names: tuple[str, ...] = ()
) -> dict[str, Number]:
    """Parameters one a draw: log-normal about those of `like`, ln-sd √ln(1 + cv²), each within its range; all, or the `names`.

    Draws without room for the rest of the body are drawn again; parts of the flow that exceed it are lowered by the model itself.
    Raises InputError for a name that is unknown or does not differ, RangeError for n or cv that cannot be, and as `checked`.
    """
    free = [row for row in table() if row.name not in SAME and (not names or row.name in names)]
    if len(free) < len(names):
        raise InputError(
            f"parameters {names}", where=WHERE, remedy=f"choose among {', '.join(r.name for r in table() if r.name not in SAME)}"
        )
    if not (n >= 1 and 0 < cv_1 <= 2):
        raise RangeError(f"{n} persons with a variation of {cv_1}", where=WHERE, remedy="give one or more, and over 0 to 2")
    held = {name: np.broadcast_to(value, n) for name, value in checked(like).items()}
    again = np.ones(n, dtype=bool)
    for _ in range(TRIES):
        held = held | {row.name: _drawn(row, like, (again, held[row.name]), rng, float(cv_1)) for row in free}
        again = ~possible(held)
        if not again.any():
            return {**like, **{row.name: held[row.name] for row in free}}
    raise RangeError(f"{again.sum()} of {n} persons without room for all organs", where=WHERE, remedy="lower cv_1, or the organs of `like`")


def _drawn(row: Row, like: Values, where: tuple[Bool[Array, "n"], Array], rng: np.random.Generator, cv_1: float) -> Array:
    """New values where asked for, by the inverse of the log-normal cut off at the ends of the range."""
    again, held = where
    middle, sd = float(np.ravel(like[row.name])[0]), float(np.sqrt(np.log1p(cv_1**2)))
    with np.errstate(divide="ignore"):
        ends = (np.log([row.low, row.high]) - np.log(middle)) / sd
    z = truncnorm.ppf(rng.random(int(again.sum())), *ends)
    found = np.array(held)
    found[again] = np.clip(middle * np.exp(sd * z), row.low, row.high)
    return found
