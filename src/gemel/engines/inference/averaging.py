"""Several models of one thing, weighed by how well each foretold what came: log scores, weights, and a mixture of their draws."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float
from scipy import special

from gemel.core.errors import InputError
from gemel.core.image import Array
from gemel.core.record import Observation

WHERE = "model averaging"


def log_score(values: Mapping[str, Float[Array, "draws ..."]], seen: Sequence[Observation]) -> float:
    """ln of the predictive density of what came: ln mean_d Π N(y; d, sd) over the draws of a forecast, all components together.

    The logarithmic score, proper and local: Good 1952, J R Stat Soc B 14:107; Gneiting & Raftery 2007, JASA 102:359, sec. 4.1.
    Raises InputError for kinds that were not forecast.
    """
    missing = [one.kind for one in seen if one.kind not in values]
    if missing or not seen:
        raise InputError(f"nothing seen, or no forecast of {missing}", where=WHERE, remedy="forecast what is observed")
    each = [_log_normal((np.asarray(values[one.kind]) - one.value) / one.sd, one.sd) for one in seen]
    total = np.sum(each, axis=0)
    return float(special.logsumexp(total) - np.log(len(total)))


def weights(scores: Mapping[str, float], prior: Mapping[str, float] | None = None) -> dict[str, float]:
    """Posterior probabilities of models, prior · exp(Σ log score): exact when each score was of the next thing to come (Dawid 1984, J R
    Stat Soc A 147:278; Hoeting et al. 1999, Stat Sci 14:382, eq. 2). Equal priors unless given."""
    names = list(scores)
    log_prior = np.log([prior[name] if prior else 1.0 / len(names) for name in names])
    log = np.array([scores[name] for name in names]) + log_prior
    return dict(zip(names, np.exp(log - special.logsumexp(log)).tolist()))


def mixed(draws: Mapping[str, Float[Array, "draws ..."]], by: Mapping[str, float], rng: np.random.Generator) -> Float[Array, "draws ..."]:
    """As many draws as the first model has, of each in proportion to its weight, shuffled. Raises InputError for other names."""
    if set(draws) != set(by):
        raise InputError(f"draws of {sorted(draws)}, weights of {sorted(by)}", where=WHERE, remedy="weigh every model once")
    n = len(next(iter(draws.values())))
    edges = np.round(np.cumsum([by[name] for name in draws]) * n).astype(int)
    counts = np.diff(np.concatenate([[0], edges[:-1], [n]]))
    parts = [values[rng.choice(len(values), count, replace=count > len(values))] for values, count in zip(draws.values(), counts)]
    return np.asarray(rng.permutation(np.concatenate(parts)))


def _log_normal(z: Float[Array, "draws ..."], sd: Float[Array, "..."]) -> Float[Array, "draws"]:
    axes = tuple(range(1, z.ndim))
    return np.asarray((-0.5 * np.square(z) - np.log(sd) - 0.5 * np.log(2 * np.pi)).sum(axis=axes))
