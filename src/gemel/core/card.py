"""A model's card, in the shape of ASME V&V 40-2018: what it is for, what hangs on it, where it holds, and the evidence by machine."""

from dataclasses import dataclass

from gemel.core.errors import ConformanceError

SECTIONS = ("Question", "Context of use", "Model influence", "Decision consequence", "Validity", "Evidence", "References")


@dataclass(frozen=True)
class Evidence:
    """One line of the evidence table: a number with its 95 % interval, the criterion it is held against, and whether it passed.

    `passed` is None for what is reported and not judged. A yes-or-no check has the number 1 or 0 and an interval without width.
    """

    section: str
    line: str
    criterion: str
    number: float
    low: float
    high: float
    passed: bool | None
    note: str = ""


@dataclass(frozen=True)
class Picture:
    """A plot of the evidence as PNG bytes, with what it shows."""

    name: str
    caption: str
    png: bytes


@dataclass(frozen=True)
class Examination:
    """The evidence table of one model by name, with what it was made of: `code` names the bytes of the model and of the examination."""

    system: str
    model: str
    version: str
    code: str
    budget: str
    patients: int
    table: tuple[Evidence, ...]
    pictures: tuple[Picture, ...] = ()

    @property
    def failures(self) -> tuple[Evidence, ...]:
        """The lines that did not pass."""
        return tuple(line for line in self.table if line.passed is False)

    @property
    def conformant(self) -> bool:
        """Whether every judged line passed, and there is one."""
        return not self.failures and any(line.passed for line in self.table)


@dataclass(frozen=True)
class Card:
    """The sections as plain text, `references` one entry a line, and the examination once there was one (`gemel conform`)."""

    question: str
    context_of_use: str
    influence: str
    consequence: str
    validity: str
    evidence: str
    references: tuple[str, ...]
    examination: Examination | None = None

    @property
    def conformant(self) -> bool:
        """Whether the model was examined and passed every line."""
        return self.examination is not None and self.examination.conformant


def read_card(text: str) -> Card:
    """The card in a Markdown text whose level-one headings are SECTIONS. Raises ConformanceError when one is missing or empty."""
    parts = dict(section.split("\n", 1) for section in ("\n" + text).split("\n# ")[1:] if "\n" in section)
    bodies = {name.strip(): " ".join(body.split()) if name.strip() != "References" else body.strip() for name, body in parts.items()}
    missing = [name for name in SECTIONS if not bodies.get(name)]
    if missing:
        raise ConformanceError(f"a card without {', '.join(missing)}", where="card.md", remedy="write the missing sections")
    references = tuple(line.removeprefix("- ").strip() for line in bodies["References"].splitlines() if line.strip())
    question, context, influence, consequence, validity, evidence = (bodies[name] for name in SECTIONS[:-1])
    return Card(question, context, influence, consequence, validity, evidence, references)
