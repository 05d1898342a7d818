"""Runs of many draws over one patient's ground, and their dead cells beside them, cut where something is resected."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gemel.core.image import Array
from gemel.core.time import DAY_S
from gemel.engines import pde
from gemel.systems.glioma.course import ALPHA_BETA_Gy
from gemel.systems.glioma.events import DRUG, FRACTION, RESECTION, Dated
from gemel.systems.glioma.field_dead import NOTHING, Lethal, Look, watch
from gemel.systems.glioma.ground import Ground
from gemel.systems.glioma.growth import DRUG_1_d
from gemel.systems.glioma.transport import WAY, unit_diffusivity

FADED_d = 3.0
"""After which a dose of the drug is forgotten at a resection: 1e-12 of it is left."""
Number = dict[str, float]


@dataclass(frozen=True)
class Asked:
    """Draws that move alike, what is given (in order), when to look, and whether the dead are followed."""

    on: Ground
    draws: Sequence[Number]
    events: Sequence[Dated]
    ages_s: Sequence[float]
    dead: bool


@dataclass(frozen=True)
class Begun:
    """Where runs begin: the age, living and dead cells of each draw, and how many of the events came before."""

    since_s: float
    cells: Sequence[Float[Array, "x y z"]]
    dead: Sequence[Float[Array, "..."]]
    done: int = 0


def looked(asked: Asked, look: Look) -> list[list[Array]]:
    """Of each draw what is looked at, by age; whole from the first visit (a day of age) on."""
    n = len(asked.draws)
    now, found = Begun(DAY_S, [asked.on.start] * n, [np.zeros((), np.float32)] * n), [list[Array]() for _ in range(n)]
    cuts = [k for k, e in enumerate(asked.events) if e.kind == RESECTION and e.age_s < max(asked.ages_s)]
    for k in [*cuts, len(asked.events)]:
        until_s = asked.events[k].age_s if k in cuts else np.inf
        ages = [a for a in asked.ages_s if (a >= now.since_s or now.done == 0) and a < until_s]
        if ages:
            found = [kept + more for kept, more in zip(found, _run(asked, now, k, ages, look))]
        if k in cuts:
            ended = _run(asked, now, k, [until_s], lambda u, living, dead: np.stack([u, living + dead, dead + 0 * u]))
            now = _cut([kept[0] for kept in ended], asked.events[k], k + 1)
    return found


def resected(cells: Float[Array, "x y z"], share: float) -> Float[Array, "x y z"]:
    """Without the densest voxels that together hold that share of the cells."""
    order = np.argsort(-cells, axis=None, kind="stable")
    gone = np.searchsorted(np.cumsum(cells.ravel()[order], dtype=np.float64), share * cells.sum(dtype=np.float64))
    left = cells.copy().ravel()
    left[order[:gone]] = 0
    return np.asarray(left.reshape(cells.shape))


def _cut(ended: Sequence[Float[Array, "3 x y z"]], at: Dated, done: int) -> Begun:
    """The densest of what is visible is gone, living or dead."""
    left = [resected(seen, at.amount) > 0 for _, seen, _ in ended]
    cells, dead = ([np.where(kept, one[n], np.float32(0)) for kept, one in zip(left, ended)] for n in (0, 2))
    return Begun(max(at.age_s, DAY_S), cells, dead, done)


def _run(asked: Asked, now: Begun, until: int, ages_s: Sequence[float], look: Look) -> list[list[Array]]:
    """From one resection to the next."""
    on, days = asked.on, [max(0.0, (a - now.since_s) / DAY_S) for a in ages_s]
    dated = [((e.age_s - now.since_s) / DAY_S, e) for e in asked.events[:until]]
    before, fresh = dated[: now.done], dated[now.done :]
    before, fresh = before + [one for one in fresh if one[0] < 0], [one for one in fresh if 0 <= one[0] <= days[-1]]
    lethal = [_lethal(on, p, before, fresh) if asked.dead else NOTHING for p in asked.draws]
    times = (sorted({*days, *lethal[0].days(days[-1])}), days)
    watches = [watch(kills, p["clearance_1_d"], times, m, look) for kills, p, m in zip(lethal, asked.draws, now.dead)]
    draws = [
        pde.Draw(pde.logistic(p["rho_1_d"]), p["D_white_mm2_d"], _happening(on, p, before, fresh), one.see)
        for p, one in zip(asked.draws, watches)
    ]
    by = unit_diffusivity(on, int(asked.draws[0][WAY]))
    pde.solve_many(np.stack(now.cells), on.tissue.mask, on.grid.spacing_mm, by, draws, times[0], watches[0].see)
    return [one.kept for one in watches]


def _lethal(on: Ground, p: Number, before: Sequence[tuple[float, Dated]], fresh: Sequence[tuple[float, Dated]]) -> Lethal:
    """What kills, as `_happening` has it."""
    alpha, kill = p["alpha_1_Gy"], p["drug_kill_1"]
    doses = [[(t, kill * e.amount) for t, e in some if e.kind == DRUG and t > -FADED_d] for some in (fresh, before)]
    fractions = [(t, _fraction_Gy(on, e)) for t, e in fresh if e.kind == FRACTION]
    ln = tuple((t, np.asarray(alpha * d * (1 + d / ALPHA_BETA_Gy), dtype=np.float32)) for t, d in fractions)
    return Lethal(ln, tuple(doses[0]), tuple(doses[1]))


def _fraction_Gy(on: Ground, event: Dated) -> Float[Array, "..."]:
    return np.asarray((on.dose_1 if on.dose_1.size else 1.0) * event.amount)


def _happening(
    on: Ground, p: Number, before: Sequence[tuple[float, Dated]], fresh: Sequence[tuple[float, Dated]]
) -> tuple[pde.Event | pde.Exposure, ...]:
    """Fractions and drug by the day; of doses before the first day what is left of them."""
    alpha, kill = p["alpha_1_Gy"], p["drug_kill_1"]
    found: list[pde.Event | pde.Exposure] = [
        pde.linear_quadratic(t, _fraction_Gy(on, e), alpha, alpha / ALPHA_BETA_Gy) for t, e in fresh if e.kind == FRACTION
    ]
    doses = [(0.0, e.amount * np.exp(DRUG_1_d * t)) for t, e in before if e.kind == DRUG and t > -FADED_d]
    doses += [(t, e.amount) for t, e in fresh if e.kind == DRUG]
    if doses and kill > 0:
        dates, amounts = zip(*doses)
        found.append(pde.Exposure(dates, tuple(map(float, amounts)), DRUG_1_d, kill * DRUG_1_d))
    return tuple(found)
