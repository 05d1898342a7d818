"""Published inter-fraction statistics: the prior of the next patient, read from population.json with its citations."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

from gemel.core.parameter import Parameter
from gemel.systems.prostate_radiotherapy.state import COORDINATES

SETUP = ("setup_x_mm", "setup_y_mm", "setup_z_mm")
CHANNELS = (*SETUP, *COORDINATES)


@dataclass(frozen=True)
class Population:
    """`systematic_sd`: SD between patients of each channel's mean. `parameters`: what differs between patients and is learned."""

    version: str
    parameters: tuple[Parameter, ...]
    systematic_sd: Mapping[str, float]
    daily_memory_d: float


def published_population() -> Population:
    """The population table that ships with gemel."""
    table = json.loads(files(__package__).joinpath("population.json").read_text(encoding="utf-8"))
    parameters = tuple(
        Parameter(row["name"], row["family"], row["centre"], row["spread"], (row["bounds"][0], row["bounds"][1]), row["reference"])
        for row in table["parameters"]
    )
    systematic = {name: float(row["sd"]) for name, row in table["systematic_sd"].items()}
    return Population(table["version"], parameters, systematic, float(table["constants"]["daily_memory_d"]))
