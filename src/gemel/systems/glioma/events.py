"""What is given to a tumour, as dated events: fractions, doses of a drug, resection; weeks of radiotherapy are unfolded."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gemel.core.errors import InputError
from gemel.core.record import Action
from gemel.core.time import DAY_S

WEEK, FRACTION, DRUG, RESECTION = "radiotherapy week", "radiotherapy fraction", "temozolomide", "resection"
UNITS = {WEEK: "Gy", FRACTION: "Gy", DRUG: "1", RESECTION: "1"}
FRACTIONS, DOSES = 5, 7
LATE_ALPHA_BETA_Gy = 2.0
"""Of late effects in the brain. Lawrence et al. 2010, Int J Radiat Oncol Biol Phys 76:S20."""
MOST_FRACTION_Gy = 20.0


@dataclass(frozen=True)
class Setting:
    """What the parameters do not say: what was given (kind, seconds after the start, amount), and whether weeks come with a drug."""

    given: tuple[tuple[str, float, float], ...] = ()
    concurrent: bool = False


@dataclass(frozen=True)
class Dated:
    """One event on the patient's clock: a fraction (Gy), a dose of the drug (in usual doses), or a resected share of the burden."""

    age_s: float
    kind: str
    amount: float


def unfolded(setting: Setting, actions: Sequence[Action], start_s: float) -> tuple[Dated, ...]:
    """All events in order, on a clock that starts at `start_s`.

    A week is five equal fractions on consecutive days from its time on, of 0 Gy in a week of rest; with `concurrent` seven doses of the
    drug come with it (Stupp et al. 2005, N Engl J Med 352:987). Raises InputError for kinds and amounts that cannot be.
    """
    rows = [*setting.given, *((a.kind, a.t_s - start_s, a.amount) for a in actions)]
    found = [event for kind, age_s, amount in rows for event in _parts(setting, kind, age_s, amount)]
    return tuple(sorted(found, key=lambda e: (e.age_s, e.kind, e.amount)))


def _parts(setting: Setting, kind: str, age_s: float, amount: float) -> list[Dated]:
    _require(kind, amount)
    if kind != WEEK:
        return [Dated(age_s, kind, amount)] if amount > 0 else []
    fractions = [Dated(age_s + n * DAY_S, FRACTION, amount / FRACTIONS) for n in range(FRACTIONS)]
    doses = [Dated(age_s + n * DAY_S, DRUG, 1.0) for n in range(DOSES if setting.concurrent and amount > 0 else 0)]
    return fractions + doses


def _require(kind: str, amount: float) -> None:
    if kind not in UNITS:
        raise InputError(f"an action {kind!r}", where="glioma", remedy=f"use {', '.join(UNITS)}")
    most = {WEEK: FRACTIONS * MOST_FRACTION_Gy, FRACTION: MOST_FRACTION_Gy, DRUG: 10.0, RESECTION: 0.999}[kind]
    if not (np.isfinite(amount) and 0 <= amount <= most):
        raise InputError(f"{amount!r} {UNITS[kind]} of {kind}", where="glioma", remedy=f"give 0 to {most:g}")


def late_BED_Gy(dose_Gy: float) -> float:
    """d(1 + d/(α/β)) of one fraction in late-reacting brain. Fowler 1989, Br J Radiol 62:679."""
    return dose_Gy * (1.0 + dose_Gy / LATE_ALPHA_BETA_Gy)
