"""A model's card: what it is for and where it holds, in the shape of ASME V&V 40-2018; read from a `card.md`, printed on every report."""

from dataclasses import dataclass

from gemel.core.errors import ConformanceError

SECTIONS = ("Question", "Context of use", "Validity", "Evidence", "References")


@dataclass(frozen=True)
class Card:
    """The five sections, as plain text; `references` one entry a line."""

    question: str
    context_of_use: str
    validity: str
    evidence: str
    references: tuple[str, ...]


def read_card(text: str) -> Card:
    """The card in a Markdown text whose level-one headings are SECTIONS. Raises ConformanceError when one is missing or empty."""
    parts = dict(section.split("\n", 1) for section in ("\n" + text).split("\n# ")[1:] if "\n" in section)
    bodies = {name.strip(): " ".join(body.split()) if name.strip() != "References" else body.strip() for name, body in parts.items()}
    missing = [name for name in SECTIONS if not bodies.get(name)]
    if missing:
        raise ConformanceError(f"a card without {', '.join(missing)}", where="card.md", remedy="write the missing sections")
    references = tuple(line.removeprefix("- ").strip() for line in bodies["References"].splitlines() if line.strip())
    return Card(bodies["Question"], bodies["Context of use"], bodies["Validity"], bodies["Evidence"], references)
