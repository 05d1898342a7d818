"""Which nuclides decay where the parent was put, and how often."""

from collections.abc import Mapping

import numpy as np

from gemel.core.errors import InputError, RangeError
from gemel.core.number import number
from gemel.engines.decay import nuclide as known
from gemel.engines.decay.chain import equilibrium_yields


def weights(nuclide: str, daughters: bool, relocated: float | Mapping[str, float]) -> dict[str, float]:
    """Decays in place of each member of the chain per decay of the parent, at equilibrium.

    `relocated`: the fraction of the parent's daughters that leaves before it decays, or such fractions by nuclide; what leaves takes
    all that follows with it. Raises InputError for an unknown nuclide, RangeError for a fraction outside 0 to 1 or not of the chain.
    """
    if not isinstance(daughters, bool | np.bool_):
        raise InputError(f"daughters = {daughters!r}", where="daughters", remedy="say True or False")
    parent = known(nuclide).name
    yields = equilibrium_yields(parent) if daughters else {parent: 1.0}
    chain = set(yields) - {parent}
    if not isinstance(relocated, Mapping):
        first = {branch.daughter for branch in known(parent).branches} & chain
        return _in_place(parent, yields, dict.fromkeys(first, _fraction(relocated)))
    given = {known(name).name: _fraction(value) for name, value in relocated.items()}
    strange = sorted(set(given) - chain)
    if strange:
        remedy = f"name one of {', '.join(sorted(chain)) or 'none: no daughter is in equilibrium'}"
        raise RangeError(f"{', '.join(strange)} relocated", where=f"the chain of {parent}", remedy=remedy)
    return _in_place(parent, yields, given)


def _in_place(parent: str, yields: Mapping[str, float], leaving: Mapping[str, float]) -> dict[str, float]:
    """Yields in place, followed down the chain branch by branch."""
    found = dict.fromkeys(yields, 0.0)
    waiting = [(parent, 1.0)]
    while waiting:
        name, share = waiting.pop()
        found[name] += share
        for branch in known(name).branches:
            if branch.daughter in yields:
                waiting.append((branch.daughter, share * branch.fraction * (1 - leaving.get(branch.daughter, 0.0))))
    return found


def _fraction(value: float) -> float:
    fraction = number(value, "relocated")
    if not 0 <= fraction <= 1:
        raise RangeError(f"a relocated fraction of {value!r}", where="daughters", remedy="use 0 (all decay in place) to 1 (none do)")
    return fraction
