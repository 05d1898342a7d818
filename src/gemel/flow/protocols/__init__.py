"""Which protocol to scan a patient with: from an earlier CT and a task to a recommendation."""

from gemel.devices.ct.choice import Allowed, Doubt
from gemel.devices.ct.scanner import generic
from gemel.flow.protocols.advised import record_advice
from gemel.flow.protocols.asked import Asked, task_of
from gemel.flow.protocols.from_localisers import read_localisers, stand_in, wider
from gemel.flow.protocols.handed_on import write_sr
from gemel.flow.protocols.organs import organs_of
from gemel.flow.protocols.page import write_page
from gemel.flow.protocols.recommend import EARLIER_CT, Recommended, recommend
from gemel.flow.protocols.scanner_doubt import doubt_of
from gemel.flow.protocols.words import as_values, protocol_words, reason, warnings

__all__ = [
    "EARLIER_CT",
    "Allowed",
    "Asked",
    "Doubt",
    "Recommended",
    "as_values",
    "doubt_of",
    "generic",
    "organs_of",
    "protocol_words",
    "read_localisers",
    "reason",
    "recommend",
    "record_advice",
    "stand_in",
    "task_of",
    "warnings",
    "wider",
    "write_page",
    "write_sr",
]
