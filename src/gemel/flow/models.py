"""`gemel models`: what is installed, what it is for, and the evidence for it."""

from dataclasses import dataclass

from gemel.core.system import System
from gemel.flow import registry
from gemel.flow.conformance import kept
from gemel.flow.conformance.pages import verdict


@dataclass(frozen=True)
class ModelRow:
    """One installed system with its model's card in short; `conformance`: the last result for exactly this code, if there is one."""

    system: str
    model: str
    version: str
    question: str
    evidence: str
    conformance: str


def models() -> tuple[ModelRow, ...]:
    """Every installed system; a plug-in that cannot be used is listed as such."""
    return tuple(_row(name) for name in registry.systems())


def standing(name: str, system: System) -> str:
    """The result of the last examination of exactly this code in one sentence, or that there was none."""
    found = kept(name, system)
    return verdict(found) if found else f"not examined: gemel conform {name}"


def _row(name: str) -> ModelRow:
    try:
        system = registry.system(name)
        model, result = system.template(), standing(name, system)
    except Exception as error:  # noqa: BLE001 one plug-in that is broken, however, leaves the others listed
        return ModelRow(name, "", "", "", "", f"NOT CONFORMANT: {error}")
    return ModelRow(name, model.name, model.version, model.card.question, model.card.evidence, result)
