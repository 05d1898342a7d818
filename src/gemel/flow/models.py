"""`gemel models`: what is installed, what it is for, and the evidence for it."""

from dataclasses import dataclass

from gemel.flow import registry


@dataclass(frozen=True)
class ModelRow:
    """One installed system with its model's card in short."""

    system: str
    model: str
    version: str
    question: str
    evidence: str


def models() -> tuple[ModelRow, ...]:
    """Every installed system."""
    rows = []
    for name in registry.systems():
        model = registry.system(name).template()
        rows.append(ModelRow(name, model.name, model.version, model.card.question, model.card.evidence))
    return tuple(rows)
