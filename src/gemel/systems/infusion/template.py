"""The model of one patient's infusion, and the one without a patient: a small target beside oblique fibres after a first short infusion."""

from functools import cache, lru_cache, partial
from importlib.resources import files

from gemel.core.model import Model
from gemel.core.parameter import Parameter
from gemel.core.time import DAY_S
from gemel.engines.inference.slow import DISCREPANCY, Done, Respond, Slow, emulated
from gemel.engines.inference.slow_model import Known, known, readouts
from gemel.engines.inference.slow_model import model_of as put_together
from gemel.systems.infusion.body import Body
from gemel.systems.infusion.delivery import EXTENT, LEAK, VOLUME, calculated
from gemel.systems.infusion.phantom import phantom
from gemel.systems.infusion.population import population
from gemel.systems.infusion.readouts import WHAT, values

VERSION = "2"
MEMORY_s = 2 * DAY_S
"""Of the discrepancy: swelling and clearance change over days. Assumed."""
KINDS = {"ln_infused_1": (VOLUME, VOLUME + 1), "ln_extents_1": (EXTENT, LEAK)}
FIRST: Done = (("infusion 5 uL/min at A", -3600.0, 1.0),)
"""The model without a patient: what was infused in the hour before its start."""


@cache
def model() -> Model:
    """The model without a patient."""
    return model_of(phantom(shape=24, spacing_mm=2.0, radius_mm=8.0, turned_deg=30.0), FIRST)


def model_of(body: Body, planned: Done = (), parameters: tuple[Parameter, ...] = ()) -> Model:
    """The model of a patient, with the population's priors unless others are given."""
    slow = slow_of(body, planned, parameters or population())
    card = files(__package__).joinpath("card.md").read_text(encoding="utf-8")
    return put_together(slow, ("infusion", VERSION), readouts(slow, WHAT, values), card)


def slow_of(body: Body, planned: Done, parameters: tuple[Parameter, ...]) -> Slow:
    """What the scans show, emulated from the whole calculation."""
    return Slow(parameters, _response(known(body), tuple(p for p in parameters if p.name != DISCREPANCY)), KINDS, planned, MEMORY_s)


@lru_cache(maxsize=4)
def _response(body: Known, parameters: tuple[Parameter, ...]) -> Respond:
    """Emulators of one body, kept while others of the same content come and go."""
    return emulated(parameters, partial(calculated, body.of))
