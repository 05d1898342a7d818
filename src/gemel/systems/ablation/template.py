"""The model of one patient's ablation, and the one without a patient: a small tumour in a fatty liver after a first application."""

from functools import cache, lru_cache, partial
from importlib.resources import files

from gemel.core.model import Model
from gemel.core.parameter import Parameter
from gemel.core.time import DAY_S
from gemel.engines.inference.slow import DISCREPANCY, Done, Respond, Slow, emulated
from gemel.engines.inference.slow_model import Known, known, readouts
from gemel.engines.inference.slow_model import model_of as put_together
from gemel.systems.ablation.body import Body
from gemel.systems.ablation.heat import ASPECT, VOLUME, calculated
from gemel.systems.ablation.phantom import phantom
from gemel.systems.ablation.population import population
from gemel.systems.ablation.readouts import WHAT, values

VERSION = "2"
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
    slow = slow_of(body, planned, parameters or population(body.energies))
    card = files(__package__).joinpath("card.md").read_text(encoding="utf-8")
    return put_together(slow, ("ablation", VERSION), readouts(slow, WHAT, values), card)


def slow_of(body: Body, planned: Done, parameters: tuple[Parameter, ...]) -> Slow:
    """What the scans show, emulated from the whole calculation."""
    return Slow(parameters, _response(known(body), tuple(p for p in parameters if p.name != DISCREPANCY)), KINDS, planned, MEMORY_s)


@lru_cache(maxsize=4)
def _response(body: Known, parameters: tuple[Parameter, ...]) -> Respond:
    """Emulators of one body, kept while others of the same content come and go."""
    return emulated(parameters, partial(calculated, body.of))
