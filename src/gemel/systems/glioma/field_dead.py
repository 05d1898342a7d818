"""Cells that were killed are seen until they are cleared: followed beside a run, since they neither move nor grow.

∂m/∂t = −λm + what is killed, so m(t) = Σⱼ kⱼ e^(−λ(t − tⱼ)) exactly, kⱼ what fraction or dose j kills; visible is what will go on living
and m. Dead cells take no room. Watanabe et al. 2016, Theor Biol Med Model 13:6 (dead cells as part of the volume that is seen).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from gemel.core.image import Array
from gemel.engines.pde.batch import Keep
from gemel.systems.glioma.growth import DRUG_1_d

MOST_LN = 80.0
"""Of a fraction: float32 ends there."""
Look = Callable[[Array, Array, Array], "Array | float"]
"""Of the field as it runs, of what of it will go on living, and of dead cells; each (x, y, z)."""


@dataclass(frozen=True)
class Lethal:
    """What kills in a run, by days from its start: ln kill of each fraction (a number or a map) and dose; `before`: of doses before it."""

    fractions: tuple[tuple[float, Float[Array, "..."]], ...] = ()
    doses: tuple[tuple[float, float], ...] = ()
    before: tuple[tuple[float, float], ...] = ()

    def days(self, until_d: float) -> list[float]:
        """When somebody has to look."""
        return [day for day, _ in (*self.fractions, *self.doses) if day <= until_d]

    def owed(self, day: float) -> float:
        """ln kill of the doses before a day that is still to come."""
        given = (*self.before, *(dose for dose in self.doses if dose[0] < day))
        return sum(ln * float(np.exp(-DRUG_1_d * (day - t))) for t, ln in given)

    def killed(self, day: float) -> Float[Array, "..."]:
        """By a day's fractions, after which the field is shown, and doses, over what of it will go on living but for those doses."""
        fractions = [ln for t, ln in self.fractions if t == day]
        share = np.expm1(np.minimum(sum(fractions), MOST_LN)) if fractions else 0.0
        return np.asarray(share - np.expm1(-self.doomed(day)), dtype=np.float32)

    def doomed(self, day: float) -> float:
        """ln kill of a day's doses."""
        return sum(ln for t, ln in self.doses if t == day)


NOTHING = Lethal()


@dataclass(frozen=True)
class Watch:
    """One run's `keep`, and what it kept at the times asked for."""

    see: Keep
    kept: list[Array]


def watch(lethal: Lethal, rate_1_d: float, times: tuple[Sequence[float], Sequence[float]], dead: Float[Array, "..."], look: Look) -> Watch:
    """Follows one run; times: all at which it is shown, and those asked for; `dead` at its start (a number or a field)."""
    kept: list[Array] = []
    shown, asked = iter(times[0]), list(times[1])
    held: dict[str, Any] = {"day": 0.0, "own": False}

    def see(u: Array) -> float:
        day = next(shown)
        stays, killed = np.float32(np.exp(-lethal.owed(day))), lethal.killed(day)
        if not held["own"]:
            held["dead"], held["own"] = dead + np.zeros_like(u), True
        held["dead"] *= np.float32(np.exp(-rate_1_d * (day - held["day"])))
        if killed.any():
            held["dead"] += u * (killed * stays)
        held["day"] = day
        if day in asked:
            found = np.asarray(look(u, u * (stays * np.float32(np.exp(-lethal.doomed(day)))), held["dead"].copy()))
            kept.extend([found] * asked.count(day))
        return float(u[len(u) // 2].sum())

    return Watch(see, kept)
