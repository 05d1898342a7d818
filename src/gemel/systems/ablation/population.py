"""What is known of heat in livers before one is treated: priors of the parameters (`population.json`)."""

import json
from functools import cache
from importlib.resources import files

from gemel.core.parameter import Parameter


@cache
def population() -> tuple[Parameter, ...]:
    """Log-normal priors; each carries its reference in the table."""
    rows = json.loads(files(__package__).joinpath("population.json").read_text(encoding="utf-8"))["parameters"]
    return tuple(
        Parameter(r["name"], "lognormal", r["centre"], r["spread"], (r["bounds"][0], r["bounds"][1]), r["reference"]) for r in rows
    )
