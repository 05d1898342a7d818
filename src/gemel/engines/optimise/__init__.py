"""Plan optimisation: non-negative spot weights that best meet objectives of the dose within hard limits, nominal or robust."""

from gemel.engines.optimise.limits import Limit, Violation
from gemel.engines.optimise.objectives import (
    MaxDVH,
    MaxEUD,
    MeanDose,
    MinDVH,
    MinEUD,
    Objective,
    SquaredDeviation,
    SquaredOverdose,
    SquaredUnderdose,
)
from gemel.engines.optimise.penalties import value_and_gradient
from gemel.engines.optimise.planning import PlanResult, plan
from gemel.engines.optimise.search import Search
from gemel.engines.optimise.warm import carry_over

__all__ = [
    "Limit",
    "MaxDVH",
    "MaxEUD",
    "MeanDose",
    "MinDVH",
    "MinEUD",
    "Objective",
    "PlanResult",
    "Search",
    "SquaredDeviation",
    "SquaredOverdose",
    "SquaredUnderdose",
    "Violation",
    "carry_over",
    "plan",
    "value_and_gradient",
]
