"""The model of one patient's infusion, and the one without a patient: a small target beside fibres after a first short infusion."""

from functools import cache, partial
from importlib.resources import files

from gemel.core.card import read_card
from gemel.core.model import Model
from gemel.core.parameter import Parameter
from gemel.core.time import DAY_S
from gemel.engines.inference.slow import DISCREPANCY, Done, Slow, SlowPrior, condition, dynamics, emulated, observe
from gemel.systems.infusion.body import Body
from gemel.systems.infusion.delivery import EXTENT, LEAK, VOLUME, calculated
from gemel.systems.infusion.phantom import phantom
from gemel.systems.infusion.population import population
from gemel.systems.infusion.readouts import readouts

VERSION = "1"
MEMORY_s = 2 * DAY_S
"""Of the discrepancy: swelling and clearance change over days. Assumed."""
KINDS = {"ln_infused_1": (VOLUME, VOLUME + 1), "ln_extents_1": (EXTENT, LEAK)}
FIRST: Done = (("infusion 5 uL/min at A", -7200.0, 2.0),)
"""The model without a patient: what was infused in the two hours before its start."""


@cache
def model() -> Model:
    """The model without a patient."""
    return model_of(phantom(shape=24, spacing_mm=2.0, radius_mm=7.0), FIRST)


def model_of(body: Body, planned: Done = (), parameters: tuple[Parameter, ...] = ()) -> Model:
    """The model of a patient, with the population's priors unless others are given."""
    slow = slow_of(body, planned, parameters or population())
    return Model(
        name="infusion",
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
    flow = tuple(p for p in parameters if p.name != DISCREPANCY)
    return Slow(parameters, emulated(flow, partial(calculated, body)), KINDS, planned, MEMORY_s)
