"""exp((F − Λ) t) of a chain, each entry to nearly full relative accuracy however stiff the chain is.

Rates of a chain span 1e-18 to 1e6 per second. The closed form of Bateman divides by differences of rates and cancels to nothing for
λt ≪ 1 or near-equal rates; the usual matrix exponential loses small entries. Here nothing is ever subtracted: with F ≥ 0 and the shift
s = max λ t / 2^k, exp of F t/2^k + (s − Λ t/2^k) is a Taylor series of non-negative terms, and in each of the k squarings the diagonal
is put back to its exact value exp(−λ_i t 2^(j−k)), so that rounding grows like k and not like 2^k (essentially non-negative matrices:
Xue & Ye 2013, Math Comp 82:1577; the diagonal: Al-Mohy & Higham 2010, SIAM J Matrix Anal Appl 31:970).
"""

import numpy as np
from jaxtyping import Float

from gemel.core.image import Array

TERMS = 12  # of a series in x ≤ 1/4 whose terms fall like x^n/n!: the rest is under 1e-17 of the entry's first term


def chain_exponential(
    feed_1_s: Float[Array, "states states"], lam_1_s: Float[Array, "states"], t_s: Float[Array, "times"]
) -> Float[Array, "times states states"]:
    """exp((F − Λ) t) at each time; F ≥ 0 strictly lower triangular, Λ = diag(λ) with λ ≥ 0."""
    largest = float(lam_1_s.max(initial=0.0) * t_s.max(initial=0.0))
    squarings = max(0, int(np.ceil(np.log2(max(largest, 1e-300) * 4.0))))
    step_s = t_s[:, None] / 2.0**squarings
    power = _first(feed_1_s * step_s[:, :, None], lam_1_s * step_s)
    places = np.arange(len(lam_1_s))
    for doubling in range(1, squarings + 1):
        power = power @ power
        power[:, places, places] = np.exp(-lam_1_s * (step_s * 2.0**doubling))
    return power


def _first(feed: Float[Array, "times states states"], lam: Float[Array, "times states"]) -> Float[Array, "times states states"]:
    """The exponential over one short step, by the shifted series."""
    states = lam.shape[1]
    shift = lam.max(axis=1, keepdims=True)
    matrix = feed + (shift - lam)[:, :, None] * np.eye(states)
    total = term = np.broadcast_to(np.eye(states), matrix.shape)
    for n in range(1, TERMS + states):
        term = term @ matrix / n
        total = total + term
    return np.asarray(total * np.exp(-shift)[:, :, None])
