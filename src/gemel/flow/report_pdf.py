"""A report on paper: the sections of the page one below the other on A4, by Matplotlib alone."""

import base64
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure

from gemel.io.files import write_atomic

WIDTH_in, HEIGHT_in, MARGIN_in = 8.27, 11.69, 0.6
LINE = 1.35
"""Of the size of the letters."""
LETTER = 0.5
"""Width of a letter over its size, at most, in the mean of a line."""
CELL_pt, TEXT_pt, HEAD_pt = 6.5, 8.5, 12.0
FOOT = "research use, not a medical device"


@dataclass
class _Sheet:
    """Where the next thing goes; a new page when it does not fit."""

    title: str
    pages: list[Figure] = field(default_factory=list)
    y_in: float = 0.0

    def room(self, height_in: float) -> Figure:
        """The page on which that much fits below what is there."""
        if not self.pages or self.y_in - height_in < MARGIN_in:
            page = Figure(figsize=(WIDTH_in, HEIGHT_in))
            self.pages.append(page)
            footer = f"{self.title}   ·   {FOOT}   ·   page {len(self.pages)}"
            page.text(0.5, 0.5 * MARGIN_in / HEIGHT_in, footer, ha="center", va="center", fontsize=6.5, color="0.4")
            self.y_in = HEIGHT_in - MARGIN_in
        return self.pages[-1]

    def text(self, words: str, size_pt: float = TEXT_pt, *, bold: bool = False) -> None:
        """A paragraph, broken into lines."""
        for line in _lines(words, WIDTH_in - 2 * MARGIN_in, size_pt):
            height_in = LINE * size_pt / 72
            page = self.room(height_in)
            at = (MARGIN_in / WIDTH_in, self.y_in / HEIGHT_in)
            page.text(*at, line, va="top", fontsize=size_pt, weight="bold" if bold else "normal", parse_math=False)
            self.y_in -= height_in
        self.y_in -= 0.4 * size_pt / 72

    def heading(self, words: str, below_in: float) -> None:
        """A heading that stays with what comes below it."""
        self.room(below_in + 0.4)
        self.y_in -= 0.1
        self.text(words, HEAD_pt, bold=True)


def write_pdf(
    path: Path, title: str, *, lead: Sequence[str], sections: Sequence[Mapping[str, Any]], tail: Mapping[str, Sequence[str]]
) -> None:
    """`lead`: paragraphs before the sections; each section has `title`, `note` and a `picture` (PNG, base64) or `columns` and `rows`.

    `tail`: paragraphs under headings. Equal reports give equal bytes: no date is written.
    """
    sheet = _Sheet(title)
    sheet.text(title, 16.0, bold=True)
    for words in lead:
        sheet.text(words)
    for section in sections:
        _section(sheet, section)
    for heading, paragraphs in tail.items():
        sheet.heading(heading, 0.3)
        for words in paragraphs:
            sheet.text(words, 7.5)
    buffer = BytesIO()
    with PdfPages(buffer, metadata={"Title": title, "Creator": "gemel", "CreationDate": None}) as pdf:
        for page in sheet.pages:
            pdf.savefig(page)
    write_atomic(path, buffer.getvalue())


def _section(sheet: _Sheet, section: Mapping[str, Any]) -> None:
    if "picture" in section:
        pixels = matplotlib.image.imread(BytesIO(base64.b64decode(section["picture"])), format="png")
        height_in = min((WIDTH_in - 2 * MARGIN_in) * pixels.shape[0] / pixels.shape[1], HEIGHT_in - 2 * MARGIN_in - 1.0)
        sheet.heading(str(section["title"]), height_in)
        _picture(sheet, pixels, height_in)
    else:
        sheet.heading(str(section["title"]), 0.8)
        _table(sheet, section["columns"], section["rows"])
    if section["note"]:
        sheet.text(str(section["note"]), 7.0)


def _picture(sheet: _Sheet, pixels: np.ndarray, height_in: float) -> None:
    page = sheet.room(height_in)
    width_in = height_in * pixels.shape[1] / pixels.shape[0]
    axes = page.add_axes((MARGIN_in / WIDTH_in, (sheet.y_in - height_in) / HEIGHT_in, width_in / WIDTH_in, height_in / HEIGHT_in))
    axes.imshow(pixels, interpolation="none", aspect="auto")
    axes.set_axis_off()
    sheet.y_in -= height_in + 0.05


def _table(sheet: _Sheet, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Columns as wide as their longest word asks, cells broken into lines."""
    every = [[str(cell) for cell in row] for row in (columns, *rows)]
    wanted = np.array([max(len(row[k]) for row in every) for k in range(len(columns))], float) + 2
    share_in = (WIDTH_in - 2 * MARGIN_in) * wanted / wanted.sum()
    left_in = MARGIN_in + np.concatenate([[0.0], np.cumsum(share_in)[:-1]])
    for n, row in enumerate(every):
        cells = [list(_lines(cell, width, CELL_pt)) for cell, width in zip(row, share_in, strict=True)]
        height_in = LINE * CELL_pt / 72 * max(1, *map(len, cells))
        page = sheet.room(height_in)
        for x_in, lines in zip(left_in, cells, strict=True):
            at = (x_in / WIDTH_in, sheet.y_in / HEIGHT_in)
            page.text(
                *at, "\n".join(lines), va="top", fontsize=CELL_pt, weight="normal" if n else "bold", linespacing=1.1, parse_math=False
            )
        sheet.y_in -= height_in
    sheet.y_in -= 0.08


def _lines(words: str, width_in: float, size_pt: float) -> Iterator[str]:
    letters = max(int(width_in * 72 / (LETTER * size_pt)), 4)
    for part in str(words).splitlines() or [""]:
        yield from textwrap.wrap(part, letters) or [""]
