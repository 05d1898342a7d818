"""The credibility card as Markdown, JSON and a page that needs nothing beside it."""

import base64
import json
from dataclasses import asdict, replace
from importlib.resources import files
from math import isfinite
from pathlib import Path

from jinja2 import Environment, select_autoescape

from gemel.core.card import Card, Evidence, Examination
from gemel.core.errors import ConformanceError
from gemel.flow.conformance.results import as_json
from gemel.io.files import write_atomic

TEXTS = {
    "Question of interest": "question",
    "Context of use": "context_of_use",
    "Model influence": "influence",
    "Decision consequence": "consequence",
    "Validity": "validity",
    "Evidence": "evidence",
}
VERDICTS = {True: "pass", False: "FAIL", None: "reported"}


def write(card: Card, folder: Path) -> tuple[Path, ...]:
    """Paths of card.html, card.md and card.json, with the plots beside them. Raises ConformanceError for a card without an examination."""
    done = card.examination
    if done is None:
        raise ConformanceError("a card without an examination", where=card.question, remedy="run: gemel conform MODEL")
    texts = {name: str(getattr(card, attribute)) for name, attribute in TEXTS.items()}
    pages = {"card.html": _page(texts, card, done), "card.md": markdown(texts, card, done), "card.json": _json(card, done)}
    for picture in done.pictures:
        write_atomic(folder / f"{picture.name}.png", picture.png)
    for name, text in pages.items():
        write_atomic(folder / name, text.encode())
    return tuple(folder / name for name in pages)


def cells(line: Evidence) -> tuple[str, ...]:
    """A line of the table as text: section, what, criterion, number, interval, verdict, note."""
    wide = line.low != line.high and isfinite(line.low) and isfinite(line.high)
    interval = f"{line.low:.3g} to {line.high:.3g}" if wide else ""
    return line.section, line.line, line.criterion, f"{line.number:.3g}", interval, VERDICTS[line.passed], line.note


def verdict(done: Examination) -> str:
    """The result in one sentence."""
    judged = [line for line in done.table if line.passed is not None]
    failed = ", ".join(dict.fromkeys(f"{line.section} ({line.line})" for line in done.failures))
    passed = f"{len(judged) - len(done.failures)} of {len(judged)} lines passed, {done.patients} patients, {done.budget}"
    return f"{'conformant' if done.conformant else 'NOT CONFORMANT'}: {passed}" + (f"; failed: {failed}" if failed else "")


def markdown(texts: dict[str, str], card: Card, done: Examination) -> str:
    """The card as a Markdown page."""
    head = [f"# {done.model} {done.version}: credibility card", f"**{verdict(done)}**", f"System `{done.system}`, code `{done.code}`."]
    body = [f"## {name}\n\n{text}" for name, text in texts.items()]
    rows = ["| section | line | criterion | number | 95 % interval | verdict | note |", "|---|---|---|---|---|---|---|"]
    rows += ["| " + " | ".join(cell.replace("|", "\\|") for cell in cells(line)) + " |" for line in done.table]
    shown = [f"![{picture.caption}]({picture.name}.png)\n\n{picture.caption}" for picture in done.pictures]
    sources = ["## References\n\n" + "\n".join(f"- {reference}" for reference in card.references)]
    return "\n\n".join([*head, *body, "## Evidence by machine\n\n" + "\n".join(rows), *shown, *sources]) + "\n"


def _page(texts: dict[str, str], card: Card, done: Examination) -> str:
    environment = Environment(autoescape=select_autoescape(default=True))
    template = environment.from_string(files("gemel.flow.conformance").joinpath("card.html.j2").read_text(encoding="utf-8"))
    shown = [(picture.caption, base64.b64encode(picture.png).decode()) for picture in done.pictures]
    rows = [cells(line) for line in done.table]
    return template.render(texts=texts, card=card, done=done, verdict=verdict(done), rows=rows, pictures=shown)


def _json(card: Card, done: Examination) -> str:
    return json.dumps(asdict(replace(card, examination=None)) | {"examination": json.loads(as_json(done))}, indent=1, ensure_ascii=False)
