"""Which protocol to scan a patient with: from an earlier CT and a task to a recommendation."""

from gemel.flow.protocols.asked import Asked, task_of
from gemel.flow.protocols.handed_on import write_sr
from gemel.flow.protocols.page import write_page
from gemel.flow.protocols.recommend import Recommended, recommend
from gemel.flow.protocols.words import as_values, protocol_words, reason, warnings

__all__ = ["Asked", "Recommended", "as_values", "protocol_words", "reason", "recommend", "task_of", "warnings", "write_page", "write_sr"]
