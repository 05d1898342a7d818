"""How each act of a course changes a field."""

from collections.abc import Callable
from dataclasses import dataclass

from gemel.engines.pde.course import Act, Fade, Output, Steps
from gemel.engines.pde.domain import Domain
from gemel.engines.pde.events import happen
from gemel.engines.pde.fading import Losses, fade
from gemel.engines.pde.stepping import Fields

Move = Callable[[Steps, Fields], Fields]


@dataclass(frozen=True)
class Ways:
    """`move` for steps; events and losses in place."""

    on: Domain
    losses: Losses
    move: Move

    def act(self, one: Act, fields: Fields) -> Fields:
        """Do it; outputs change nothing."""
        if isinstance(one, Steps):
            return self.move(one, fields)
        if isinstance(one, Fade):
            fade(fields[0], self.losses.over(one.start, one.stop, fields[0].dtype))
        elif not isinstance(one, Output):
            happen(one, fields[0], self.on)
        return fields
