"""What is known of patients before one is seen: priors of the parameters."""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from gemel.core.parameter import Parameter

COUPLED = ("gamma_1_kPa",)


def parameters(modes: int, *, coupled: bool) -> tuple[Parameter, ...]:
    """Priors with so many modes of the rate of division, and those of mechanics where growth is coupled to it."""
    table = _table()
    rows = [row for row in table["parameters"] if coupled or row["name"] not in COUPLED]
    named = [{**table["mode"], "name": f"k_mode_{i + 1}_1"} for i in range(modes)]
    return tuple(_prior(row) for row in (*rows, *named))


def mechanics() -> Parameter:
    """Which of two models a draw belongs to, by its sign: growth held back by stress, or not."""
    return _prior(_table()["mechanics"])


@cache
def _table() -> Mapping[str, Any]:
    table: Mapping[str, Any] = json.loads(files(__package__).joinpath("population.json").read_text(encoding="utf-8"))
    return table


def _prior(row: Mapping[str, Any]) -> Parameter:
    return Parameter(row["name"], row["family"], row["centre"], row["spread"], (row["bounds"][0], row["bounds"][1]), row["reference"])
