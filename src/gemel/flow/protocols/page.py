"""The recommendation as a page: noise on the patient, dose against detectability, and every protocol."""

import base64
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from jinja2 import Environment, PackageLoader, select_autoescape

from gemel.core.image import Array, Image, world_mm
from gemel.core.page import Chart, Cut, Panel, Table, Trace, Views
from gemel.core.structures import Structures
from gemel.devices.ct.choice import Judged
from gemel.flow import figures_page
from gemel.flow.protocols.recommend import Recommended
from gemel.flow.protocols.scan_dose import dlp_mGy_cm, effective_mSv
from gemel.flow.protocols.words import protocol_words, question, reason, warnings
from gemel.flow.report_parts import NOTICE

NONE: Float[Array, "0"] = np.zeros(0)
SHOWN = 20
NOTES = (
    "Detectability is that of a model observer for one simple lesion on an even ground: a predictor, not a diagnosis.",
    "Filtered back-projection is predicted. Iterative and learned reconstructions of vendors are black boxes: fit them from phantom scans.",
    "The middle of the earlier image is taken for the isocentre, contrast agent in it for bone.",
    "SSDE and CTDIvol are of the scanner's output table; SSDE is of the slice shown. Effective dose is a population's. Organ doses are "
    "computed where organs are outlined: photons followed through water and bone, constant current, good to about 10 % beside the error "
    "that is told.",
    "A repeat for motion or a missed contrast phase is not foreseen.",
)


def write_page(found: Recommended, folder: Path, *, title: str, made: str) -> Path:
    """protocols.html in `folder`."""
    environment = Environment(loader=PackageLoader("gemel.flow", ""), autoescape=select_autoescape(default=True, default_for_string=True))
    first = found.choice.judged[0]
    text = environment.get_template("report_protocol.html.j2").render(
        notice=NOTICE,
        title=title,
        question=question(found.asked),
        about=_about(found, made),
        chosen=protocol_words(first.forecast.protocol, first.task) if found.choice.chosen else "",
        reason=reason(found),
        warnings=warnings(found),
        sections=[_drawn(section) for section in sections(found)],
        notes=NOTES,
    )
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "protocols.html"
    path.write_text(text, encoding="utf-8")
    return path


def sections(found: Recommended) -> tuple[Views | Chart | Table, ...]:
    """Anatomy beside noise, curves, table."""
    organs = (_organs(found),) if found.organs else ()
    return (*_views(found), _chart(found), *organs, _table(found))


def _views(found: Recommended) -> tuple[Views, ...]:
    """The slice with the lesion's place, and the noise that the first protocol has there."""
    z = float(world_mm(found.image, np.array([[0.0, 0.0, float(found.slice_index)]]))[0, 2])
    cut = Cut("slice of the task", found.image, 2, np.array([0.0, 0.0, z]), top=240.0, bottom=-160.0, anatomy=True)
    anatomy = Views(found.source[0].upper() + found.source[1:], (cut,), Structures(found.image, {"lesion": _lesion(found)}), "HU")
    noise = _noise(found)
    return (anatomy, Views("Predicted noise", (Cut("standard deviation", noise, 2, np.zeros(3)),), Structures(noise, {}), "HU"))


def _lesion(found: Recommended) -> Bool[Array, "x y z"]:
    """The lesion's disc, two pixels across at least."""
    task, shape, spacing = found.choice.judged[0].task, found.image.shape, found.image.spacing_mm
    x, y = (((np.arange(n) - (n - 1) / 2) * s) for n, s in zip(shape[:2], spacing))
    radius = max(task.diameter_mm / 2, float(spacing[0]))
    mask = np.zeros(shape, dtype=bool)
    mask[:, :, found.slice_index] = (x[:, None] - task.place_mm[0]) ** 2 + (y - task.place_mm[1]) ** 2 <= radius**2
    return mask


def _noise(found: Recommended) -> Image:
    n = found.noise_HU.shape[0]
    step = found.map_mm / n
    affine = np.diag([step, step, 1.0, 1.0])
    affine[:2, 3] = (step - found.map_mm) / 2
    return Image(np.nan_to_num(found.noise_HU)[:, :, None].astype(np.float32), affine)


def _chart(found: Recommended) -> Chart:
    curve, first = found.curve, found.choice.judged[0]
    band = Trace("d' (90 %)", curve.ctdivol_mGy, curve.detectability, curve.low, curve.high)
    here = np.array([first.forecast.ctdivol_mGy])
    low, high = (np.array([value]) for value in first.interval)
    point = Trace(
        "recommended" if found.choice.chosen else "closest",
        here,
        np.array([first.forecast.detectability]),
        low,
        high,
        points=True,
        colour=1,
    )
    chance = Trace("P(d' ≥ target)", curve.ctdivol_mGy, curve.probability, NONE, NONE, colour=2)
    panels = (
        Panel("detectability", "CTDIvol (mGy)", "d'", (band, point), {"target": found.choice.target}),
        Panel("probability of meeting the target", "CTDIvol (mGy)", "P", (chance,), {"asked": found.choice.sure}),
    )
    return Chart("Dose against detectability", panels, f"at {protocol_words(first.forecast.protocol, first.task)} with other mAs")


def _table(found: Recommended) -> Table:
    columns = ("protocol", "noise HU", "contrast HU", "d' (90 %)", "P", "CTDIvol mGy", "SSDE mGy", *_sums(found), "against it")
    judged = found.choice.judged
    note = f"the first {SHOWN} of {len(judged)}" if len(judged) > SHOWN else ""
    return Table("Protocols", columns, tuple(_row(found, one) for one in judged[:SHOWN]), note)


def _organs(found: Recommended) -> Table:
    rows = tuple((one.name, f"{one.mGy:.2g}", f"{one.sd_mGy:.1g}") for one in found.organs)
    return Table("Organ doses", ("organ", "mean mGy", "statistical sd mGy"), rows, "at the first setting of the table below")


def _sums(found: Recommended) -> dict[str, Callable[[Recommended, Judged], float]]:
    """Doses of the whole scan that can be told, by their column."""
    held = {"DLP mGy·cm": dlp_mGy_cm, "effective mSv": effective_mSv}
    return {name: of for name, of in held.items() if np.isfinite(of(found, found.choice.judged[0]))}


def _row(found: Recommended, one: Judged) -> tuple[str, ...]:
    f, (low, high) = one.forecast, one.interval
    sums = [f"{of(found, one):.3g}" for of in _sums(found).values()]
    seen = (f"{f.sd_HU:.1f}", f"{f.contrast_HU:.1f}", f"{f.detectability:.2f} ({low:.2f}–{high:.2f})", f"{one.probability:.0%}")
    return (protocol_words(f.protocol, one.task), *seen, f"{f.ctdivol_mGy:.2f}", f"{f.ssde_mGy:.2f}", *sums, "; ".join(one.against))


def _about(found: Recommended, made: str) -> str:
    since = f"calibrated on {found.scanner.calibrated_on}" if found.scanner.calibrated_on else "not fitted to any machine"
    patient = f"water-equivalent diameter {found.anatomy.diameter_cm:.1f} cm"
    scan = f", scan of {found.length_mm:.0f} mm" if found.length_mm else ""
    model = f"scanner model {found.scanner.name} {found.scanner.version}, {since}"
    return f"{model}; {found.source}: {patient}, slice {found.slice_index}{scan}; made {made}"


def _drawn(section: Views | Chart | Table) -> Mapping[str, Any]:
    if isinstance(section, Table):
        return {"title": section.title, "columns": section.columns, "rows": section.rows, "note": section.note}
    image = figures_page.chart(section) if isinstance(section, Chart) else figures_page.views(section)
    return {"title": section.title, "picture": base64.b64encode(image).decode(), "note": section.note}
