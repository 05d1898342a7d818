"""How much an examination may cost."""

from dataclasses import dataclass

DRAWS = 1999
"""Draws of a forecast or posterior: a rank among them has 2000 equally likely values, which 10 bins and 50 points divide evenly.

An alarm asks for tails of 0.2 % and less: what lies beyond all of n draws has a probability of 2/(n + 1) that must be small against that.
"""
ERROR = 0.2
"""The model error of the misspecified patients, in each of the ways of `wrong`."""
OUTSIDE = 2.5
"""A parameter of which the prior says that it hardly occurs: this many standard deviations above the centre."""
GROSS = 6.0
"""A day that must raise an alarm: this many predictive standard deviations away."""


@dataclass(frozen=True)
class Budget:
    """Numbers of synthetic patients, of the model itself and of each kind of model error."""

    name: str
    patients: int
    misspecified: int


FAST = Budget("fast", 64, 6)
FULL = Budget("full", 400, 40)
