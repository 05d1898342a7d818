"""Which fault explains what departs from a baseline: one component of a state that steps or ramps from some day on.

Residuals y_t = H e_c s·g(t − τ) + AR(1) noise, g a step or a ramp, s ~ N(0, size_c²); for every component c, shape and onset τ the
evidence is that of a regression on one column with a normal prior, in closed form: ½ V b²/(1 + V S) − ½ ln(1 + V S), S = Σ x², b = Σ x z
of the whitened column x and residuals z. Single faults; components alike before the data. Willsky & Jones 1976, IEEE Trans Autom Control
21:108 (jumps by likelihood ratio); Barry & Hartigan 1993, JASA 88:309 (posterior of change points).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from gemel.core.errors import InputError
from gemel.core.image import Array

SHAPES = ("step", "ramp")
RAMP_d = 30.0
"""Days in which a ramp of the prior's spread grows to the size of a step."""


@dataclass(frozen=True)
class Faults:
    """Hypotheses (components × shapes × onsets) with their probabilities; the first row is `no fault`.

    effect and sd: amount of a step, or slope per day of a ramp, with its error; `day`: the last day of the residuals.
    """

    component: Int[Array, "n"]
    shape: Int[Array, "n"]
    onset: Int[Array, "n"]
    probability: Float[Array, "n"]
    effect: Float[Array, "n"]
    sd: Float[Array, "n"]
    day: int


def faults(
    residuals: Float[Array, "days m"], response: Float[Array, "m d"], size: Float[Array, "d"], *, phi: Float[Array, "m"], prior: float = 0.5
) -> Faults:
    """The posterior over faults. `residuals` in units of each metric's innovations (not whitened), `response` of a unit of state in these.

    NaN where a metric was not measured; `size`: what a step of each component may be, `prior`: probability of a fault at all.
    Raises InputError for fewer than two days.
    """
    y, h = np.asarray(residuals, dtype=np.float64), np.asarray(response, dtype=np.float64)
    days = len(y)
    if days < 2:
        raise InputError(f"residuals of {days} days", where="faults", remedy="wait for two checks or more")
    seen = np.isfinite(y)
    z = _innovations(np.where(seen, y, 0.0), phi, seen)
    rows = [(c, s, onset) for c in range(len(size)) for s in range(len(SHAPES)) for onset in range(days - s)]
    component, shape, onset = np.array(rows).T
    ages = np.arange(days)[None, :] - onset[:, None]
    growth = np.where(shape[:, None] == 0, (ages >= 0).astype(np.float64), np.maximum(ages, 0) / RAMP_d)
    x = _innovations(growth[:, :, None] * h.T[component][:, None, :] * seen, phi, seen)
    total, with_data = np.square(x).sum(axis=(1, 2)), (x * z).sum(axis=(1, 2))
    spread = np.square(np.asarray(size, dtype=np.float64))[component]
    narrowed = 1.0 + spread * total
    evidence = 0.5 * spread * with_data**2 / narrowed - 0.5 * np.log(narrowed)
    weight = np.exp(evidence - max(evidence.max(), 0.0)) * prior / len(rows)
    nothing = np.exp(-max(evidence.max(), 0.0)) * (1.0 - prior)
    probability = np.append(nothing, weight) / (nothing + weight.sum())
    scale = np.where(shape == 0, 1.0, 1.0 / RAMP_d)
    return Faults(
        np.append(-1, component),
        np.append(0, shape),
        np.append(days - 1, onset),
        probability,
        np.append(0.0, scale * spread * with_data / narrowed),
        np.append(0.0, scale * np.sqrt(spread / narrowed)),
        days - 1,
    )


def shares(found: Faults, components: int) -> Float[Array, "components"]:
    """Probability of each component given that there is a fault."""
    total = np.bincount(found.component[1:], found.probability[1:], components)
    return np.asarray(total / max(float(total.sum()), 1e-300))


def ahead(found: Faults, after_d: Float[Array, "k"], components: int, *, draws: int, rng: np.random.Generator) -> Float[Array, "draws k d"]:
    """Draws of the departure of every component some days after the last residual, each fault going on as it began."""
    pick = rng.choice(len(found.probability), draws, p=found.probability / found.probability.sum())
    effect = found.effect[pick] + found.sd[pick] * rng.standard_normal(draws)
    age = found.day - found.onset[pick][:, None] + np.asarray(after_d)[None, :]
    size = effect[:, None] * np.where(found.shape[pick][:, None] == 0, 1.0, np.maximum(age, 0.0))
    return np.asarray(size[:, :, None] * (np.arange(components) == found.component[pick][:, None, None]))


def _innovations(values: Float[Array, "*n days m"], phi: Float[Array, "m"], seen: Array) -> Float[Array, "*n days m"]:
    """v_t − φ v_{t−1}; what follows a day that was not seen, and the first day, stands alone, scaled to the same error."""
    follows = np.concatenate([np.zeros((1, seen.shape[1]), dtype=bool), seen[1:] & seen[:-1]])
    past = np.concatenate([np.zeros_like(values[..., :1, :]), values[..., :-1, :]], axis=-2)
    return np.asarray(np.where(follows, values - phi * past, values * np.sqrt(1.0 - np.square(phi))) * seen)
