"""The model of one scanner, and the one without a scanner: rods of polyethylene and Teflon at 120 kV."""

from functools import cache
from importlib.resources import files

from jaxtyping import Float

from gemel.core.card import read_card
from gemel.core.image import Array
from gemel.core.model import Model
from gemel.devices.ct.twin.names import METRICS
from gemel.devices.ct.twin.readouts import readouts
from gemel.devices.ct.twin.structure import structure
from gemel.devices.ct.twin.table import response
from gemel.engines.inference import conditional

VERSION = "1"


@cache
def model() -> Model:
    """The model without a scanner."""
    return model_of(response())


def model_of(answers: Float[Array, "m d"]) -> Model:
    """The model of a scanner whose images answer so."""
    linear = structure(answers)
    return Model(
        name="ct_scanner",
        version=VERSION,
        parameters=linear.parameters,
        prior=conditional.ConditionalPrior(linear),
        dynamics=conditional.dynamics(linear),
        observe={name: conditional.observe(linear, name) for name in METRICS},
        readouts=readouts(answers),
        condition=conditional.condition(linear),
        card=read_card(files(__package__).joinpath("card.md").read_text(encoding="utf-8")),
    )
