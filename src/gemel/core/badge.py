"""Model, shadow or twin? Computed from the record, printed everywhere."""

from typing import Literal

from gemel.core.record import Action, Event, Observation

Badge = Literal["model", "shadow", "twin"]


def badge(record: tuple[Event, ...]) -> Badge:
    """model: nothing assimilated; shadow: data in, but no given action whose outcome was observed; twin: the loop has closed.

    Kritzinger et al. 2018, IFAC-PapersOnLine 51:1016 (digital model, shadow, twin).
    """
    observed = [e.t_s for e in record if isinstance(e, Observation)]
    if not observed:
        return "model"
    acted = [e.t_s for e in record if isinstance(e, Action) and e.source]
    return "twin" if acted and max(observed) > min(acted) else "shadow"
