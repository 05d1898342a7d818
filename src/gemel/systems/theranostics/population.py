"""What is known of patients before one is seen: priors of the parameters, and constants."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from typing import Any

from gemel.core.errors import InputError
from gemel.core.parameter import Parameter

NAME, VERSION = "theranostics", "3"
"""Of the model; a promoted prior is of one version of it."""


@dataclass(frozen=True)
class Population:
    """Log-normal priors, those that matter with alphas alone, and numbers that are the same for everybody."""

    parameters: tuple[Parameter, ...]
    alpha_parameters: tuple[Parameter, ...]
    fixed: Mapping[str, float]


@dataclass(frozen=True)
class Promoted:
    """A prior that a cohort's twins were promoted to, by its version: centre and ln-sd of each parameter. Empty: the table's own."""

    version: str = ""
    patients: int = 0
    centre: Mapping[str, float] = field(default_factory=dict)
    spread: Mapping[str, float] = field(default_factory=dict)


@cache
def population() -> Population:
    """The table that comes with gemel; each number carries its reference there."""
    table = json.loads(files(__package__).joinpath("population.json").read_text(encoding="utf-8"))
    return Population(_priors(table["parameters"]), _priors(table["alpha_parameters"]), table["fixed"])


def promoted(parameters: Sequence[Parameter], prior: Promoted) -> tuple[Parameter, ...]:
    """The parameters with the promoted prior in place of the table's. Raises RangeError for numbers that are no prior."""
    return tuple(
        replace(
            p,
            centre=prior.centre[p.name],
            spread=prior.spread[p.name],
            reference=f"{prior.version}: posteriors of {prior.patients} twins; before: {p.reference}",
        )
        if p.name in prior.centre
        else p
        for p in parameters
    )


def promoted_of(prior: Mapping[str, Any], name: str, version: str) -> Promoted:
    """What `gemel promote` wrote. Raises InputError for the prior of another model, and for parameters that this one does not have."""
    if not prior:
        return Promoted()
    if (prior.get("model"), prior.get("model_version")) != (name, version):
        found = f"a prior of {prior.get('model')} {prior.get('model_version')}"
        raise InputError(found, where=f"{name} {version}", remedy="promote one from twins of this model: gemel promote")
    known = population()
    names = {p.name for p in (*known.parameters, *known.alpha_parameters)}
    rows = {str(row["name"]): row for row in prior["parameters"]}
    if strange := sorted(set(rows) - names):
        raise InputError(
            f"a prior of {strange[0]!r}", where=f"{name} {version}", remedy="promote one from twins of this model: gemel promote"
        )
    centre, spread = ({key: float(row[part]) for key, row in rows.items()} for part in ("centre", "spread"))
    made = Promoted(str(prior["version"]), int(prior["patients"]), centre, spread)
    promoted((*known.parameters, *known.alpha_parameters), made)
    return made


def _priors(rows: Sequence[Mapping[str, Any]]) -> tuple[Parameter, ...]:
    return tuple(
        Parameter(row["name"], "lognormal", row["centre"], row["spread"], (row["bounds"][0], row["bounds"][1]), row["reference"])
        for row in rows
    )
