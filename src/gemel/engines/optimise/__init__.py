"""Plan optimisation: non-negative spot weights that best meet objectives of the dose, nominal or robust over scenarios."""

from gemel.engines.optimise.objectives import (
    MaxDVH,
    MaxEUD,
    MeanDose,
    MinDVH,
    Objective,
    SquaredDeviation,
    SquaredOverdose,
    SquaredUnderdose,
    value_and_gradient,
)
from gemel.engines.optimise.planning import PlanResult, Search, plan

__all__ = [
    "MaxDVH",
    "MaxEUD",
    "MeanDose",
    "MinDVH",
    "Objective",
    "PlanResult",
    "Search",
    "SquaredDeviation",
    "SquaredOverdose",
    "SquaredUnderdose",
    "plan",
    "value_and_gradient",
]
