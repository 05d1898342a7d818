"""k-medoids: the k of n points that best stand for all, by partitioning around medoids (PAM).

Kaufman & Rousseeuw 1990, Finding Groups in Data, ch. 2 (build and swap); Schubert & Rousseeuw 2021, Inf Syst 101:101804 (the loss
of all k swaps with one candidate in a single pass, swaps taken as soon as they gain).
"""

from dataclasses import dataclass
from typing import no_type_check

import numpy as np
from jaxtyping import Float, Int
from numba import njit
from scipy.spatial.distance import cdist

from gemel.core.errors import InputError, RangeError
from gemel.core.image import Array

RANDOM_STARTS = 4  # beside the greedy one


@dataclass(frozen=True)
class Medoids:
    """The chosen points (largest group first), the group of every point, and the share of the points in each group.

    `cost`: mean distance of a point to its medoid.
    """

    indices: Int[Array, "k"]
    labels: Int[Array, "n"]
    weights: Float[Array, "k"]
    cost: float


def k_medoids(points: Float[Array, "n d"], k: int, rng: np.random.Generator) -> Medoids:
    """k points with the least Σ min‖x − m‖ found, by PAM from a greedy and from random starts.

    Distances are Euclidean: scale the columns first.

    Raises RangeError when k is not between 1 and the number of distinct points, InputError for values that are not finite.
    """
    if points.ndim != 2 or not np.isfinite(points).all():
        raise InputError(f"points of shape {points.shape}, not all finite", where="k_medoids", remedy="pass finite points as (n, d)")
    distinct = len(np.unique(points, axis=0))
    if not 1 <= k <= distinct:
        raise RangeError(f"k = {k} for {distinct} distinct points", where="k_medoids", remedy="ask for fewer medoids, or bring more points")
    distance = cdist(points, points).astype(np.float32)
    starts = [_greedy(distance, k)] + [rng.choice(len(points), k, replace=False) for _ in range(RANDOM_STARTS)]
    found = [_swap(distance, start.astype(np.int64), rng.permutation(len(points))) for start in starts]
    best = min(found, key=lambda medoids: float(distance[:, medoids].min(axis=1).sum(dtype=np.float64)))
    return _grouped(distance, best)


def _grouped(distance: Float[Array, "n n"], medoids: Int[Array, "k"]) -> Medoids:
    """Groups in order of their size, and of their medoid's index where sizes are equal."""
    count = np.bincount(distance[:, medoids].argmin(axis=1), minlength=medoids.size)
    indices = medoids[np.lexsort((medoids, -count))]
    labels = distance[:, indices].argmin(axis=1)
    weights = np.bincount(labels, minlength=indices.size) / labels.size
    return Medoids(indices, labels, weights, float(distance[np.arange(labels.size), indices[labels]].mean(dtype=np.float64)))


def _greedy(distance: Float[Array, "n n"], k: int) -> Int[Array, "k"]:
    """BUILD: each next medoid is the point that lowers the cost most."""
    chosen = [int(distance.sum(axis=1, dtype=np.float64).argmin())]
    nearest = distance[chosen[0]].copy()
    for _ in range(k - 1):
        gain = np.maximum(nearest - distance, 0.0).sum(axis=1, dtype=np.float64)
        gain[chosen] = -1.0
        chosen.append(int(gain.argmax()))
        nearest = np.minimum(nearest, distance[chosen[-1]])
    return np.array(chosen, dtype=np.int64)


@njit(cache=True)
@no_type_check
def _nearest_two(distance, medoids, first, d_first, d_second):
    for o in range(distance.shape[0]):
        d_first[o], d_second[o] = np.inf, np.inf
        for i in range(medoids.size):
            d = distance[o, medoids[i]]
            if d < d_first[o]:
                d_second[o], d_first[o], first[o] = d_first[o], d, i
            elif d < d_second[o]:
                d_second[o] = d


@njit(cache=True)
@no_type_check
def _swap(distance, medoids, order):
    n, k = distance.shape[0], medoids.size
    medoids = medoids.copy()
    first, d_first, d_second = np.zeros(n, np.int64), np.empty(n, np.float64), np.empty(n, np.float64)
    _nearest_two(distance, medoids, first, d_first, d_second)
    loss, since_swap, at = np.empty(k, np.float64), 0, 0
    while since_swap < n and k > 1:
        candidate = order[at]
        at, since_swap = (at + 1) % n, since_swap + 1
        if d_first[candidate] == 0.0:
            continue
        loss[:], shared = 0.0, 0.0
        for o in range(n):
            d = distance[o, candidate]
            loss[first[o]] += min(d, d_second[o]) - d_first[o] if d >= d_first[o] else 0.0
            shared += d - d_first[o] if d < d_first[o] else 0.0
        i = loss.argmin()
        if loss[i] + shared < -1e-6 * d_first.mean():
            medoids[i], since_swap = candidate, 0
            _nearest_two(distance, medoids, first, d_first, d_second)
    return medoids
