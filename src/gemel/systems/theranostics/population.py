"""What is known of patients before one is seen: priors of the parameters, and constants."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from gemel.core.parameter import Parameter


@dataclass(frozen=True)
class Population:
    """Log-normal priors, those that matter with alphas alone, and numbers that are the same for everybody."""

    parameters: tuple[Parameter, ...]
    alpha_parameters: tuple[Parameter, ...]
    fixed: Mapping[str, float]


@cache
def population() -> Population:
    """The table that comes with gemel; each number carries its reference there."""
    table = json.loads(files(__package__).joinpath("population.json").read_text(encoding="utf-8"))
    return Population(_priors(table["parameters"]), _priors(table["alpha_parameters"]), table["fixed"])


def _priors(rows: Sequence[Mapping[str, Any]]) -> tuple[Parameter, ...]:
    return tuple(
        Parameter(row["name"], "lognormal", row["centre"], row["spread"], (row["bounds"][0], row["bounds"][1]), row["reference"])
        for row in rows
    )
