"""A network made ready for the kernels: which rows meet which, once for all draws."""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from gemel.core.errors import InputError
from gemel.core.image import Array
from gemel.core.network import Network, Reaction
from gemel.engines.ode.elimination import Elimination, Pair, ordered, planned

Readouts = tuple[tuple[str, tuple[str, ...]], ...]


class Linear(NamedTuple):
    """f = A y by rows: `ends` (n,), `columns` (e,) where column n is the constant 1, `places` (e,) in the Jacobian or −1; and how A is
    summed from the coefficients: `entries`, `coefficients` (−1: the number 1) and `factors`."""

    ends: Array
    columns: Array
    places: Array
    entries: Array
    coefficients: Array
    factors: Array


class Products(NamedTuple):
    """Rates of second order or saturating: `rates` (q, 5) coefficient, two rows (n: the constant 1), row and coefficient of the divisor
    or −1; `ends` (q,) of what each changes: `rows`, `factors`, and `places` (c, 3) of the derivatives by the three rows, or −1."""

    rates: Array
    ends: Array
    rows: Array
    factors: Array
    places: Array


@dataclass(frozen=True, eq=False)
class System:
    """A network in the order of its elimination. `row` of each species; each readout has a last state that integrates it over time.

    `outputs` (w, 2): output and row of each term of the readouts, then of their integrals.
    """

    network: Network
    readouts: Readouts
    row: dict[str, int]
    states: int
    linear: Linear
    products: Products
    elimination: Elimination
    outputs: Int[Array, "w 2"]


@lru_cache(maxsize=32)
def compiled(network: Network, readouts: Readouts) -> System:
    """Order, pattern and index lists. `readouts` are named sums of species, (name, species); () for each species by itself.

    Raises InputError for a readout of a species that is not there.
    """
    readouts = readouts or tuple((name, (name,)) for name in network.species)
    strange = sorted({name for _, names in readouts for name in names} - set(network.species))
    if strange:
        raise InputError(f"readouts of {', '.join(strange)}", where="compiled", remedy="name species of the network")
    number = {name: i for i, name in enumerate(network.species)}
    n = len(number) + len(readouts)
    order = ordered(_pattern(network, readouts, number), n)
    rank = {old: new for new, old in enumerate(order)}
    row = {name: rank[i] for name, i in number.items()}
    integral = [rank[len(number) + i] for i in range(len(readouts))]
    elimination = planned({(rank[i], rank[j]) for i, j in _pattern(network, readouts, number)}, n)
    outputs = [(i, row[name]) for i, (_, names) in enumerate(readouts) for name in names]
    outputs += [(len(readouts) + i, state) for i, state in enumerate(integral)]
    return System(
        network,
        readouts,
        row,
        n,
        _linear(network, (readouts, integral), row, elimination.place),
        _products(network, row, elimination.place),
        elimination,
        np.array(outputs, dtype=np.int64).reshape(-1, 2),
    )


def _pattern(network: Network, readouts: Readouts, number: dict[str, int]) -> set[Pair]:
    """Places where the Jacobian may differ from zero, integrals of the readouts included."""
    pattern = {(number[changed], number[by]) for r in network.reactions for changed, _ in r.change for by in _felt(r)}
    first = len(number)
    return pattern | {(first + i, number[name]) for i, (_, names) in enumerate(readouts) for name in names}


def _felt(reaction: Reaction) -> tuple[str, ...]:
    saturating = () if reaction.saturating is None else (reaction.saturating[0],)
    return (*reaction.reactants, *saturating)


def _is_linear(reaction: Reaction) -> bool:
    return len(reaction.reactants) < 2 and reaction.saturating is None


def _linear(network: Network, integrals: tuple[Readouts, list[int]], row: dict[str, int], place: dict[Pair, int]) -> Linear:
    constant = len(row) + len(integrals[1])
    number = {name: i for i, name in enumerate(network.coefficients)}
    terms = [
        (row[changed], row[r.reactants[0]] if r.reactants else constant, number[r.coefficient], factor)
        for r in network.reactions
        if _is_linear(r)
        for changed, factor in r.change
    ]
    terms += [(state, row[name], -1, 1.0) for (_, names), state in zip(*integrals) for name in names]
    entries = sorted({term[:2] for term in terms})
    at = {pair: i for i, pair in enumerate(entries)}
    rows = np.array([i for i, _ in entries], dtype=np.int64)
    return Linear(
        ends=np.searchsorted(rows, np.arange(constant), side="right"),
        columns=np.array([j for _, j in entries], dtype=np.int64),
        places=np.array([place.get(pair, -1) for pair in entries], dtype=np.int64),
        entries=np.array([at[i, j] for i, j, _, _ in terms], dtype=np.int64),
        coefficients=np.array([c for _, _, c, _ in terms], dtype=np.int64),
        factors=np.array([f for _, _, _, f in terms], dtype=np.float64),
    )


def _products(network: Network, row: dict[str, int], place: dict[Pair, int]) -> Products:
    constant = 1 + max(max(pair) for pair in place)
    number = {name: i for i, name in enumerate(network.coefficients)}
    rates, counts, changes, places = [], [], [], []
    for reaction in network.reactions:
        if _is_linear(reaction):
            continue
        first, second = ([row[name] for name in reaction.reactants] + [constant, constant])[:2]
        divisor, half = (-1, -1) if reaction.saturating is None else (row[reaction.saturating[0]], number[reaction.saturating[1]])
        rates.append((number[reaction.coefficient], first, second, divisor, half))
        counts.append(len(reaction.change))
        changes += [(row[name], factor) for name, factor in reaction.change]
        places += [[place.get((row[name], by), -1) for by in (first, second, divisor)] for name, _ in reaction.change]
    return Products(
        rates=np.array(rates, dtype=np.int64).reshape(-1, 5),
        ends=np.cumsum(counts, dtype=np.int64),
        rows=np.array([i for i, _ in changes], dtype=np.int64),
        factors=np.array([f for _, f in changes], dtype=np.float64),
        places=np.array(places, dtype=np.int64).reshape(-1, 3),
    )
