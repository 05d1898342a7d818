"""What is known of heat in livers before one is treated: priors of the parameters (`population.json`)."""

import json
from functools import cache
from importlib.resources import files

from gemel.core.parameter import Parameter
from gemel.systems.ablation.names import MICROWAVE


@cache
def population(energies: tuple[str, ...] = (MICROWAVE,)) -> tuple[Parameter, ...]:
    """Log-normal priors of what counts with these energies; each carries its reference in the table."""
    rows = json.loads(files(__package__).joinpath("population.json").read_text(encoding="utf-8"))["parameters"]
    kept = (r for r in rows if r.get("of", energies[0]) in energies)
    return tuple(
        Parameter(r["name"], "lognormal", r["centre"], r["spread"], (r["bounds"][0], r["bounds"][1]), r["reference"]) for r in kept
    )
