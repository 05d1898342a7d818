"""Today's doses against the band forecast before the scan, and what made the difference: filling, motion, set-up or range.

Each cause is changed alone, once from the forecast's median anatomy to today's and once back from today's, and the two effects are
averaged: for two causes this is Shapley's value (Shapley 1953, Ann Math Stud 28:307), exact when effects add up. The anatomy's part
comes from the emulator, that of set-up and range from forward doses of today.
"""

import numpy as np
from jaxtyping import Float

from gemel.core.forecast import forecast
from gemel.core.image import Array
from gemel.core.system import Deviation, Treated
from gemel.core.twin import Twin
from gemel.engines.bands import shares, tail_probability
from gemel.engines.surrogate import Surrogate, predict
from gemel.systems.prostate_radiotherapy.case import Case
from gemel.systems.prostate_radiotherapy.left_over import changes, left_over
from gemel.systems.prostate_radiotherapy.library import SCALE, Library, histograms
from gemel.systems.prostate_radiotherapy.model import ANATOMY, treat
from gemel.systems.prostate_radiotherapy.modes import REACH
from gemel.systems.prostate_radiotherapy.observe import Day
from gemel.systems.prostate_radiotherapy.state import to_vector

DRAWS = 400
LEVEL = 0.05
GROUPS = {"bladder filling": [0], "rectum filling": [1], "prostate motion": [2, 3, 4, 5]}
REST = "not explained"
LEAST = 0.01
"""One per cent of a volume: the least width of a histogram's band and the unit of its parts; no dose calculation is surer."""
Curves = dict[str, Float[Array, "levels"]]


def deviations(
    before: Twin, case: Case, library: Library, day: Day, *, treated: Treated, rng: np.random.Generator
) -> tuple[Deviation, ...]:
    """Histograms of the day outside the simultaneous 95 % band that the twin before the scan forecast for the plan, least likely first.

    The band is that of what would be computed today: the forecast with the spread of today's own draws. Of six structures, one in
    twenty histograms lies outside by chance. `treated.known`: see `left_over`.
    """
    index = library.names.index(treated.plan)
    ahead = forecast(before, (treat(index, treated.t_s),), [*library.curves, *ANATOMY], treated.t_s, DRAWS, rng).values
    plan = library.plans[index]
    effects, added = changes(case, day, plan, left_over(treated.known))
    expected = np.median(np.concatenate([ahead[kind] for kind in ANATOMY], axis=1), axis=0)
    effects |= anatomy_effects(library, library.emulators[index], expected, to_vector(day.state))
    found = []
    for name in library.curves:
        today = treated.values[name] + added.get(name, 0.0)
        value = np.median(today, axis=0)
        draws = ahead[name] + (today - value)[rng.integers(len(today), size=len(ahead[name]))]
        probability = tail_probability(draws, value, LEAST)
        if probability <= LEVEL:
            parts = {cause: effect[name] for cause, effect in effects.items()}
            found.append(_deviation(name, probability, value - np.median(ahead[name], axis=0), parts))
    return tuple(sorted(found, key=lambda d: d.probability))


def anatomy_effects(library: Library, emulator: Surrogate, expected: Float[Array, "6"], today: Float[Array, "6"]) -> dict[str, Curves]:
    """Effect on every histogram of each group of coordinates going from the expected to today's value, the others at either."""
    ends = [np.clip(v, *REACH.T) for v in (expected, today)]
    rows = []
    for held in GROUPS.values():
        for before, after in (ends, ends[::-1]):
            alone = before.copy()
            alone[held] = after[held]
            rows += [before, alone]
    mean, _ = predict(emulator, np.array(rows) / SCALE)
    there = mean.reshape(len(GROUPS), 2, 2, -1)
    effect = 0.5 * (there[:, 0, 1] - there[:, 0, 0] + there[:, 1, 0] - there[:, 1, 1])
    return {cause: histograms(library, row) for cause, row in zip(GROUPS, effect)}


def _deviation(name: str, probability: float, off: Float[Array, "levels"], effects: dict[str, Array]) -> Deviation:
    parts = shares(off, effects, np.full_like(off, LEAST))
    parts[REST] = 1.0 - sum(parts.values())
    return Deviation(name, probability, max(parts, key=lambda cause: parts[cause]), parts)
