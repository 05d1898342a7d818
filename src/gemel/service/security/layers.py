"""The layers around the application, from the inside: audit, bodies, rates, names, headers, counts."""

from starlette.types import ASGIApp

from gemel.service.metrics import Metered, Metrics
from gemel.service.security.audited import Audited
from gemel.service.security.bodies import Bounded
from gemel.service.security.headers import Headers
from gemel.service.security.hosts import Hosts, names_of
from gemel.service.security.rates import Rated, Rates
from gemel.service.settings import Settings


def layered(app: ASGIApp, settings: Settings, rates: Rates, metrics: Metrics) -> ASGIApp:
    """The application within its layers; they see also the answers to failures."""
    inner = Bounded(Audited(app), settings.limits)
    named = Hosts(Rated(inner, rates), names_of(settings))
    return Metered(Headers(named, settings.tls is not None), metrics)
