"""Answers with images, charts and tables."""

from dataclasses import dataclass, field

Numbers = list[float | None]


@dataclass(frozen=True)
class LabelRow:
    """A value of a label map, its region and its colour."""

    value: int
    name: str
    colour: str


@dataclass(frozen=True)
class ImageRow:
    """A volume: where its voxels are fetched (`url`, NIfTI in LPS-true RAS), what they mean, and the grey scale that shows them.

    `role`: scan, dose, forecast, structures or map. The same `key`, the same bytes.
    """

    key: str
    name: str
    role: str
    at: str
    unit: str
    window: list[float]
    shape: list[int]
    spacing_mm: list[float]
    url: str
    labels: list[LabelRow] = field(default_factory=list)


@dataclass(frozen=True)
class Images:
    """Every volume of a twin, and the times they speak of."""

    images: list[ImageRow]
    times: list[str]


@dataclass(frozen=True)
class Level:
    """An isodose: its dose and its colour."""

    value_Gy: float
    share: float
    colour: str


@dataclass(frozen=True)
class Isodose:
    """Levels of a dose, shares of its reference (`of_Gy`)."""

    of_Gy: float
    levels: list[Level]


@dataclass(frozen=True)
class TraceRow:
    """A line with its band, or points with bars; empty `low` and `high`: no band."""

    name: str
    x: Numbers
    y: Numbers
    low: Numbers
    high: Numbers
    points: bool
    colour: int


@dataclass(frozen=True)
class PanelRow:
    """A pair of axes; `limits`: level lines by name; `marks`: x where something happened."""

    title: str
    x_label: str
    y_label: str
    logarithmic: bool
    limits: dict[str, float | None]
    marks: Numbers
    traces: list[TraceRow]


@dataclass(frozen=True)
class ChartRow:
    """Panels under one title; the note says how to read them."""

    title: str
    note: str
    panels: list[PanelRow]


@dataclass(frozen=True)
class TableRow:
    """Rows of text under columns."""

    title: str
    columns: list[str]
    rows: list[list[str]]
    note: str


@dataclass(frozen=True)
class Charts:
    """What a twin's system shows."""

    charts: list[ChartRow]
    tables: list[TableRow]
    notes: list[str]
