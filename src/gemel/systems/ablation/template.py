"""The model of one patient's ablation, and the one without a patient: a small tumour in a fatty liver after a first application."""

from functools import cache, partial
from importlib.resources import files

from gemel.core.card import read_card
from gemel.core.model import Model
from gemel.core.parameter import Parameter
from gemel.core.time import DAY_S
from gemel.engines.inference.slow import DISCREPANCY, Done, Slow, SlowPrior, condition, dynamics, emulated, observe
from gemel.systems.ablation.body import Body
from gemel.systems.ablation.heat import ASPECT, VOLUME, calculated
from gemel.systems.ablation.phantom import phantom
from gemel.systems.ablation.population import population
from gemel.systems.ablation.readouts import readouts

VERSION = "1"
MEMORY_s = 2 * DAY_S
"""Of the discrepancy: zones contract and swell over days. Assumed."""
KINDS = {"ln_zone_1": (VOLUME, VOLUME + 1), "ln_aspect_1": (ASPECT, ASPECT + 1)}
FIRST: Done = (("microwave 40 W at A", -1800.0, 4.0),)
"""The model without a patient: what was applied half an hour before its start."""


@cache
def model() -> Model:
    """The model without a patient."""
    return model_of(phantom(shape=28, spacing_mm=3.0, radius_mm=9.0), FIRST)


def model_of(body: Body, planned: Done = (), parameters: tuple[Parameter, ...] = ()) -> Model:
    """The model of a patient, with the population's priors unless others are given."""
    slow = slow_of(body, planned, parameters or population())
    return Model(
        name="ablation",
        version=VERSION,
        parameters=slow.parameters,
        prior=SlowPrior(slow),
        dynamics=dynamics(slow),
        observe=observe(slow),
        readouts=readouts(slow),
        condition=condition(slow),
        card=read_card(files(__package__).joinpath("card.md").read_text(encoding="utf-8")),
    )


def slow_of(body: Body, planned: Done, parameters: tuple[Parameter, ...]) -> Slow:
    """What the scans show, emulated from the whole calculation."""
    heat = tuple(p for p in parameters if p.name != DISCREPANCY)
    return Slow(parameters, emulated(heat, partial(calculated, body)), KINDS, planned, MEMORY_s)
