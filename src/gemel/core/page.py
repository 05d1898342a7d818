"""What a system shows of a twin, without saying how it is drawn or written: charts, cuts through images, tables, and objects to hand on.

`flow.report` draws and writes them, so that it knows no anatomy and a system no plotting library and no DICOM.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jaxtyping import Float

from gemel.core.activity import ActivityImage
from gemel.core.image import Array, Image
from gemel.core.structures import Structures
from gemel.core.twin import Twin


@dataclass(frozen=True)
class Told:
    """What a page is made of: the twin now, its case and library, its days by time, forecasts against what came, the newest decision.

    `days`: (t_s, what was seen), ascending. `ledger`: per assimilated scan (t_s, kind → (low, high, value, sd), each (components,)).
    `decision`: the payload of the newest decision, empty before one; `draws` its draws by "plan/readout".
    """

    twin: Twin
    case: Any
    library: Any
    days: tuple[tuple[float, Any], ...]
    ledger: tuple[tuple[float, Mapping[str, Float[Array, "4 n"]]], ...] = ()
    decision: Mapping[str, Any] = field(default_factory=dict)
    draws: Mapping[str, Array] = field(default_factory=dict)


@dataclass(frozen=True)
class Trace:
    """One line with its band, or points with bars where `points`; empty `low` and `high`: no band. Traces of one `colour` go together."""

    name: str
    x: Float[Array, "n"]
    y: Float[Array, "n"]
    low: Float[Array, "_"]
    high: Float[Array, "_"]
    points: bool = False
    colour: int = 0


@dataclass(frozen=True)
class Panel:
    """One pair of axes. `limits`: level lines by name, across where y is meant; `marks`: x where something happened."""

    title: str
    x_label: str
    y_label: str
    traces: tuple[Trace, ...]
    limits: Mapping[str, float] = field(default_factory=dict)
    marks: tuple[float, ...] = ()
    logarithmic: bool = False


@dataclass(frozen=True)
class Chart:
    """Panels under one title; the note says how to read them."""

    title: str
    panels: tuple[Panel, ...]
    note: str = ""


@dataclass(frozen=True)
class Cut:
    """A plane through `at_mm` along an axis (0 sagittal, 1 coronal, 2 axial), or the largest value along it; `bottom`, `top` of its scale.

    An `anatomy` is drawn in grey, bright where the value is large, as radiologists see it.
    """

    title: str
    image: Image
    axis: int
    at_mm: Float[Array, "3"] | None = None
    top: float = math.nan
    bottom: float = 0.0
    anatomy: bool = False


@dataclass(frozen=True)
class Views:
    """Cuts side by side, with the outlines of structures on the same grid."""

    title: str
    cuts: tuple[Cut, ...]
    structures: Structures
    unit: str
    note: str = ""


@dataclass(frozen=True)
class Table:
    """Rows of text under columns; the first column names the row."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


@dataclass(frozen=True)
class OrganDose:
    """Mean absorbed dose of an organ, and its 90 %: `site` and `side` ("", left, right, both) in plain words, mass, how it was found."""

    site: str
    side: str
    dose_Gy: float
    low_Gy: float
    high_Gy: float
    mass_g: float
    method: str


@dataclass(frozen=True)
class Administration:
    """One injection of a radiopharmaceutical, and the doses it gave."""

    nuclide: str
    half_life_s: float
    given_s: float
    activity_MBq: float
    doses: tuple[OrganDose, ...]


@dataclass(frozen=True)
class Radionuclide:
    """What nuclear medicine hands on: the scan that all lies on, its regions, the maps of decays and dose, injections, doses of all."""

    scan: ActivityImage
    structures: Structures
    decays_Bq_s_mL: Image
    dose_Gy: Image
    given: tuple[Administration, ...]
    total: tuple[OrganDose, ...]


@dataclass(frozen=True)
class Page:
    """Sections in reading order, and what other systems may read."""

    sections: tuple[Chart | Views | Table, ...]
    objects: Radionuclide | None = None
    notes: tuple[str, ...] = ()
