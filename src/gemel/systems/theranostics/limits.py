"""Limits of organs at risk in radionuclide therapy, with where each comes from (`limits.json`)."""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from gemel.core.errors import InputError


@dataclass(frozen=True)
class Limit:
    """One limit: the organ, for whom it holds, the quantity (`BED` or absorbed `dose`), and the repair it was stated with.

    `checked` is false where the cited paper was quoted from memory and not read again.
    """

    organ: str
    condition: str
    quantity: str
    value_Gy: float
    alpha_beta_Gy: float
    T_rep_h: float
    reference: str
    checked: bool


@cache
def limits() -> tuple[Limit, ...]:
    """All limits of the table."""
    text = files("gemel.systems.theranostics").joinpath("limits.json").read_text(encoding="utf-8")
    return tuple(Limit(**row) for row in json.loads(text)["limits"])


def limits_of(organ: str) -> tuple[Limit, ...]:
    """Limits of one organ. Raises InputError naming the organs of the table for another."""
    found = tuple(limit for limit in limits() if limit.organ == organ)
    if not found:
        known = sorted({limit.organ for limit in limits()})
        raise InputError(f"no limit for {organ!r}", where="limits.json", remedy=f"choose one of {', '.join(known)}")
    return found
