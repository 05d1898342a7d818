"""Decay chains: a nuclide and all that follows it, ordered so that parents come before daughters."""

from functools import cache

import numpy as np
from jaxtyping import Float

from gemel.core.image import Array
from gemel.engines.decay.table import is_radioactive, nuclide


@cache
def members(name: str) -> tuple[str, ...]:
    """Radioactive members of the chain that starts at `name`, parents first; stable ends are not listed."""
    order: list[str] = []
    _visit(nuclide(name).name, order)
    return tuple(reversed(order))


def _visit(name: str, order: list[str]) -> None:
    """Depth first, after its daughters (Tarjan 1976, Acta Inform 6:171)."""
    for branch in nuclide(name).branches:
        if is_radioactive(branch.daughter) and branch.daughter not in order:
            _visit(branch.daughter, order)
    if name not in order:
        order.append(name)


def decay_constants_1_s(names: tuple[str, ...]) -> Float[Array, "members"]:
    """λ = ln 2 / T½ of each."""
    return np.log(2.0) / np.array([nuclide(name).half_life_s for name in names])


def fractions(names: tuple[str, ...]) -> Float[Array, "members members"]:
    """f[i, j]: share of the decays of member j that make member i; strictly lower triangular."""
    place = {name: i for i, name in enumerate(names)}
    table = np.zeros((len(names), len(names)))
    for name, j in place.items():
        for branch in nuclide(name).branches:
            if branch.daughter in place:
                table[place[branch.daughter], j] += branch.fraction
    return table


def equilibrium_yields(name: str) -> dict[str, float]:
    """Decays of each member per decay of the parent, among daughters that live shorter than the parent (equilibrium)."""
    parent = nuclide(name)
    yields = {parent.name: 1.0}
    for member in members(parent.name):
        for branch in nuclide(member).branches if member in yields else ():
            if is_radioactive(branch.daughter) and nuclide(branch.daughter).half_life_s < parent.half_life_s:
                yields[branch.daughter] = yields.get(branch.daughter, 0.0) + yields[member] * branch.fraction
    return yields
