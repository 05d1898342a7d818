"""What is known of high-grade gliomas before one is seen: priors of the parameters of both members, each in its table."""

import json
from functools import cache
from importlib.resources import files

from gemel.core.parameter import Parameter


@cache
def population(table: str = "population.json") -> tuple[Parameter, ...]:
    """Log-normal priors; each carries its reference in the table."""
    rows = json.loads(files(__package__).joinpath(table).read_text(encoding="utf-8"))
    return tuple(
        Parameter(row["name"], "lognormal", row["centre"], row["spread"], (row["bounds"][0], row["bounds"][1]), row["reference"])
        for row in rows["parameters"]
    )
