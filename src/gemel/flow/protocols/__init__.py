"""Which protocol to scan a patient with: from an earlier CT and a task to a recommendation."""

from gemel.flow.protocols.asked import Asked, task_of
from gemel.flow.protocols.from_localisers import read_localisers, stand_in, wider
from gemel.flow.protocols.handed_on import write_sr
from gemel.flow.protocols.page import write_page
from gemel.flow.protocols.recommend import Recommended, recommend
from gemel.flow.protocols.words import as_values, protocol_words, reason, warnings

__all__ = [
    "Asked",
    "Recommended",
    "as_values",
    "protocol_words",
    "read_localisers",
    "reason",
    "recommend",
    "stand_in",
    "task_of",
    "warnings",
    "wider",
    "write_page",
    "write_sr",
]
