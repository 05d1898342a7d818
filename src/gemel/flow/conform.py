"""`gemel conform`: examine a model on synthetic patients, and write its credibility card."""

from dataclasses import replace
from pathlib import Path

from gemel.core.card import Card, Examination, Picture
from gemel.core.errors import ConformanceError
from gemel.core.system import Progress, silent
from gemel.flow import registry
from gemel.flow.conformance import FAST, FULL, examine, keep, write
from gemel.flow.conformance.subject import Subject


def conform(model_name: str, full: bool = False, *, folder: Path | None = None, progress: Progress = silent) -> Card:
    """The credibility card of an installed system, with its evidence; the result is kept for `gemel models`.

    A `folder` is given card.html, card.md and card.json with plots. A model that fails gets a card that says so; InputError for one that
    is not installed, ConformanceError for one that has no model to examine.
    """
    card, subject = examine(model_name, registry.system(model_name), FULL if full else FAST, progress)
    done = card.examination
    if done is None:
        raise ConformanceError("no examination", where=model_name, remedy="report this as a fault of gemel")
    keep(done)
    if folder is None:
        return card
    card = replace(card, examination=replace(done, pictures=_pictures(subject, done)))
    write(card, folder)
    return card


def _pictures(subject: Subject, done: Examination) -> tuple[Picture, ...]:
    """The plots; none of a model whose patients could not be followed."""
    if not subject.courses:
        return ()
    try:
        from gemel.flow.conformance import plots
    except ImportError as error:
        raise ConformanceError("no ArviZ to draw with", where=str(error.name), remedy="pip install 'gemel[conform]'") from error
    return plots.pictures(subject, done)
