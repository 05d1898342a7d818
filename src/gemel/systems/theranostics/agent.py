"""What a cycle is given with, in words: the nuclide and the cold ligand beside it."""

import re
from dataclasses import dataclass

from gemel.core.errors import InputError
from gemel.core.record import Action

GIVE = "administer"
_KIND = re.compile(rf"{GIVE}(?: (?P<nuclide>[A-Z][a-z]?-\d+m?))?(?: with (?P<cold>[\d.]+) nmol cold)?")


@dataclass(frozen=True)
class Agent:
    """The nuclide ("": the twin's own) and the cold ligand of a cycle in place of the usual (nmol; below 0: the usual ratio)."""

    nuclide: str = ""
    cold_nmol: float = -1.0

    @property
    def kind(self) -> str:
        """Kind of the action that gives it: `administer`, `administer Ac-225`, `administer with 300 nmol cold`."""
        words = (GIVE, self.nuclide, f"with {self.cold_nmol:g} nmol cold" if self.cold_nmol >= 0 else "")
        return " ".join(filter(None, words))


def agent_of(kind: str) -> Agent:
    """What an action of that kind gives. Raises InputError for one that gives nothing."""
    found = _KIND.fullmatch(kind)
    if found is None:
        raise InputError(f"an action {kind!r}", where="theranostics", remedy=f"use {Agent('Ac-225', 300.0).kind!r} or a part of it")
    return Agent(found["nuclide"] or "", float(found["cold"]) if found["cold"] else -1.0)


def gives(action: Action) -> bool:
    """Whether an action gives activity."""
    return action.amount > 0 and _KIND.fullmatch(action.kind) is not None
