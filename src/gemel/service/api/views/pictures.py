"""Images, charts and tables of a twin."""

from pathlib import Path
from urllib.parse import quote, urlencode

from gemel import io
from gemel.core.errors import UnknownError
from gemel.core.page import Chart, Table
from gemel.core.time import iso
from gemel.flow.charts import charts as charts_of
from gemel.flow.volumes import Volume, volumes
from gemel.service.api import cached
from gemel.service.api.answers.pictures import (
    ChartRow,
    Charts,
    ImageRow,
    Images,
    Isodose,
    LabelRow,
    Level,
    PanelRow,
    TableRow,
    TraceRow,
)
from gemel.service.api.views.asked import Told, encoded, numbers, page_for, session_of
from gemel.service.jobs import Bench

FAST = 1
SHARES = {0.2: "#56B4E9", 0.5: "#009E73", 0.8: "#F0E442", 0.95: "#E69F00", 1.0: "#D55E00", 1.07: "#CC79A7"}
"""Isodoses as shares of the reference, and their colours (Okabe & Ito 2008)."""


def volumes_for(at: Bench, told: Told) -> tuple[Volume, ...]:
    """The volumes of a twin, held while somebody looks at it: those of one twin at a time, for they are large."""
    name = f"volumes {told['twin']} {told.get('stamp', '')} {told.get('as_of', '')} {told.get('known_at', '')}"
    if name not in at.memory:
        made = volumes(session_of(at, told), page_for(at, told))
        for old in [key for key in at.memory if key.startswith("volumes ")]:
            del at.memory[old]
        at.memory[name] = made
    found: tuple[Volume, ...] = at.memory[name]
    return found


def images(at: Bench, told: Told) -> bytes:
    """What can be looked at in space, and where to fetch it."""
    found = volumes_for(at, told)
    times = {key: str(told[key]) for key in ("as_of", "known_at") if told.get(key)}
    base = f"/api/twins/{quote(str(told['twin']), safe='')}/volumes"
    asked = f"?{urlencode(times)}" if times else ""
    rows = [_image(volume, f"{base}/{volume.key}{cached.SUFFIX}{asked}") for volume in found]
    return encoded(Images(rows, list(dict.fromkeys(row.at for row in rows))))


def _image(volume: Volume, url: str) -> ImageRow:
    image = volume.image
    window, spacing = ([float(f"{value:.6g}") for value in values] for values in (volume.window, image.spacing_mm))
    labels = [LabelRow(label.value, label.name, label.colour) for label in volume.labels]
    shape = [int(n) for n in image.shape]
    return ImageRow(volume.key, volume.name, volume.role, iso(volume.at_s), volume.unit, window, shape, spacing, url, labels)


def volume(at: Bench, told: Told) -> str:
    """Path of a volume's file, written to the cache. Raises UnknownError for a key that is none of the twin's."""
    one = _of_key(at, told)
    path = cached.place_of(Path(at.folder), str(told["twin"]), one.key)
    if not path.is_file():
        io.write_nifti(path, one.image, level=FAST)
        cached.swept(Path(at.folder))
    return str(path)


def _of_key(at: Bench, told: Told) -> Volume:
    found = next((one for one in volumes_for(at, told) if one.key == told["key"]), None)
    if found is None:
        raise UnknownError(f"no volume {str(told['key'])[:40]!r}", where=str(told["twin"]), remedy="list them: GET its images")
    return found


def isodose(at: Bench, told: Told) -> bytes:
    """Levels of a dose: shares of its largest value, unless the reference is stated."""
    one = _of_key(at, told)
    of_Gy = float(told.get("of_Gy") or one.image.array.max())
    levels = [Level(float(f"{share * of_Gy:.5g}"), share, colour) for share, colour in SHARES.items() if share * of_Gy > 0]
    return encoded(Isodose(of_Gy, levels))


def charts(at: Bench, told: Told) -> bytes:
    """Charts and tables."""
    page = page_for(at, told)
    shown, tables = charts_of(session_of(at, told), page)
    return encoded(Charts([chart_row(one) for one in shown], [_table(one) for one in tables], list(dict.fromkeys(page.notes))))


def chart_row(chart: Chart) -> ChartRow:
    """A chart as the API gives it."""
    panels = [
        PanelRow(
            panel.title,
            panel.x_label,
            panel.y_label,
            panel.logarithmic,
            {name: numbers([level])[0] for name, level in panel.limits.items()},
            numbers(panel.marks),
            [
                TraceRow(t.name, numbers(t.x), numbers(t.y), numbers(t.low), numbers(t.high), bool(t.points), int(t.colour))
                for t in panel.traces
            ],
        )
        for panel in chart.panels
    ]
    return ChartRow(chart.title, chart.note, panels)


def _table(table: Table) -> TableRow:
    return TableRow(table.title, [str(c) for c in table.columns], [[str(cell) for cell in row] for row in table.rows], table.note)
