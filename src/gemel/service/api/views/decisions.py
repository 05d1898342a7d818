"""The newest decision, the plans that may be given, and what a result rests on."""

from gemel.core.errors import StoreError
from gemel.flow.options import comparison
from gemel.flow.options import plans as plans_of
from gemel.flow.provenance import provenance as graph_of
from gemel.service.api.answers.decisions import Graph, NodeRow, Plans
from gemel.service.api.views.asked import Told, encoded, session_of
from gemel.service.jobs import Bench


def decision(at: Bench, told: Told) -> bytes:
    """The newest decision that counts; null before one."""
    found = comparison(session_of(at, told))
    return encoded(found)


def plans(at: Bench, told: Told) -> bytes:
    """Names that `act` accepts; none before `prepare`."""
    try:
        names = plans_of(session_of(at, told))
    except StoreError:  # no library yet
        names = ()
    return encoded(Plans(list(names)))


def provenance(at: Bench, told: Told) -> bytes:
    """All that the twin, or one of its entries, rests on."""
    found = graph_of(at.store, str(told["twin"]), str(told.get("event") or ""))
    return encoded(Graph([NodeRow(n.id, n.kind, n.label, n.at, n.tainted, n.version) for n in found.nodes], [list(e) for e in found.edges]))
