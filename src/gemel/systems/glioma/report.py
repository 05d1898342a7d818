"""The page of one patient: volumes seen and forecast, schedules compared, what was learned and what was not."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float

from gemel.core.belief import Params
from gemel.core.errors import StoreError
from gemel.core.forecast import interval
from gemel.core.image import Array, Image, same_grid, world_mm
from gemel.core.page import Chart, Cut, Page, Panel, Table, Told, Trace, Views
from gemel.core.parameter import draw_free, to_value
from gemel.core.record import Action
from gemel.core.structures import Structures
from gemel.core.time import DAY_S, iso
from gemel.core.twin import given, observations
from gemel.systems.glioma import field_report
from gemel.systems.glioma.case import Case
from gemel.systems.glioma.course import states
from gemel.systems.glioma.events import unfolded
from gemel.systems.glioma.field_shown import VOLUMES, ln_mL, volumes_mL
from gemel.systems.glioma.judge import next_s, weeks_left
from gemel.systems.glioma.learning import ENHANCING, FLAIR, predicted
from gemel.systems.glioma.names import volumes
from gemel.systems.glioma.schedules import STOP, actions, read

DRAWS, AHEAD_d, EVERY_d, SHOWN = 400, 180.0, 2.0, 4
EMPTY = np.zeros(0)
COLUMNS = ("progression_d", "total_dose_Gy", "brain_BED_Gy", "burden_mL")
INFORMED = 0.9
NAMES = {ENHANCING: "enhancing volume / mL", FLAIR: "T2/FLAIR volume / mL"}


def pages(told: Told, rng: np.random.Generator) -> Page:
    """Everything there is so far, with or without a decision. Raises StoreError before the first scan."""
    if not told.days:
        raise StoreError("no scan to report", where=told.twin.model.name, remedy="observe a segmented MRI first")
    sections: tuple[Chart | Views | Table, ...] = (*_schedules(told), _volumes(told, rng), _scans(told), _learned(told, rng))
    sections += field_report.sections(told.case.field, told, rng) if told.case.field else ()
    notes = tuple(note for _, day in told.days for note in day.notes)
    return Page(sections, notes=(*dict.fromkeys(notes), *(() if told.decision else ("no decision yet: schedules are not compared",))))


def _volumes(told: Told, rng: np.random.Generator) -> Chart:
    """What was seen, and the belief now about what was and will be: as given, and with the recommended schedule."""
    twin = told.twin
    _, params = twin.belief.draw(field_report.DRAWS if told.case.field else DRAWS, rng)
    end_d = (twin.t_s - twin.start_s) / DAY_S + AHEAD_d
    age_d = np.arange(1.0, end_d, 4 * EVERY_d) if told.case.field else np.arange(0.0, end_d, EVERY_d)
    plan = _recommended(told)
    shown = [("as given", given(twin)), *([("recommended", (*given(twin), *plan))] if plan else [])]
    courses = [(name, _course(told, params, age_d, done)) for name, done in shown]
    panels = []
    for kind, title in ((ENHANCING, "enhancing"), (FLAIR, "T2/FLAIR")):
        lines = [_band(name, age_d, ln[kind], colour) for colour, (name, ln) in enumerate(courses)]
        panels.append(Panel(title, "days", "volume / mL", (*lines, _points(told, kind)), logarithmic=True))
    return Chart(
        "Volumes",
        tuple(panels),
        "What is visible, dead cells not yet cleared included. Band: 90 % of the belief, without the error of an outline. Points: "
        "segmented, with two standard deviations.",
    )


def _course(told: Told, params: Params, age_d: Float[Array, "n"], done: Sequence[Action]) -> dict[str, Float[Array, "draws n"]]:
    """ln volumes over time with what was, or would be, given."""
    start_s, case = told.twin.start_s, told.case
    if case.field:
        mL = volumes_mL(case.field, params, unfolded(case.setting, done, start_s), [float(d) * DAY_S for d in age_d])
        return {kind: ln_mL(mL[..., n]) for kind, n in VOLUMES.items()}
    reached = states(case.setting, params, done, start_s, [start_s + d * DAY_S for d in age_d])
    return {kind: np.stack([predicted(kind, state, params) for state in reached], axis=1) for kind in (ENHANCING, FLAIR)}


def _band(name: str, age_d: Float[Array, "n"], ln: Float[Array, "draws n"], colour: int) -> Trace:
    """Median and 90 %."""
    mL = np.exp(ln)
    low, high = interval(mL)
    return Trace(name, age_d, np.median(mL, axis=0), low, high, colour=colour)


def _points(told: Told, kind: str) -> Trace:
    seen = [o for o in observations(told.twin) if o.kind == kind]
    age_d = np.array([(o.t_s - told.twin.start_s) / DAY_S for o in seen])
    ln, sd = np.array([o.value[0] for o in seen]), np.array([o.sd[0] for o in seen])
    return Trace("segmented", age_d, np.exp(ln), np.exp(ln - 2 * sd), np.exp(ln + 2 * sd), points=True, colour=2)


def _recommended(told: Told) -> tuple[Action, ...]:
    """What the newest decision would give; nothing before one, or once a week of it was given."""
    schedule = read(told.decision["recommended"]) if told.decision else STOP
    pending = len(schedule.fraction_Gy) == weeks_left(told.twin, told.case)
    return actions(schedule, next_s(told.twin, told.case)) if pending else ()


def _scans(told: Told) -> Views:
    """The widest axial cut through the tumour at the last visits on the grid of the last, whose outlines lie over all."""
    last = told.days[-1][1].structures
    days = [(t_s, day) for t_s, day in told.days if same_grid(day.structures.grid, last.grid)][-SHOWN:]
    cuts = tuple(_cut(iso(t_s)[:10], day.structures) for t_s, day in days)
    note = "Labels in the order of their names; outlines: the last visit's volumes."
    return Views("Segmentations", cuts, Structures(last.grid, volumes(last)), "label", note)


def _cut(title: str, structures: Structures) -> Cut:
    labels = np.zeros(structures.grid.shape, dtype=np.float32)
    for number, mask in enumerate(structures.masks.values(), start=1):
        labels[mask] = number
    image = Image(labels, structures.grid.affine_mm, structures.grid.frame)
    widest = int(np.argmax((labels > 0).sum(axis=(0, 1))))
    at_mm = world_mm(image, np.array([[0.0, 0.0, widest]]))[0]
    return Cut(title, image, 2, at_mm, float(len(structures.masks)))


def _schedules(told: Told) -> list[Chart | Table]:
    """The front of the newest decision, and its options; nothing before one."""
    if not told.decision:
        return []
    options, values = told.decision["options"], told.decision["readouts"]
    order = sorted(options, key=lambda o: values[o["name"]]["total_dose_Gy"][0])
    x = np.array([values[o["name"]]["total_dose_Gy"][0] for o in order])
    traces = [Trace("worst fifth", x, np.array([o["utility"] for o in order]), EMPTY, EMPTY)]
    low, mid, high = (np.array([values[o["name"]]["progression_d"][k] for o in order]) for k in (1, 0, 2))
    traces.append(Trace("median, 90 %", x, mid, low, high, points=True, colour=1))
    front = Panel("front", "total dose / Gy", "days to progression", tuple(traces), logarithmic=True)
    rows = [(o["name"], f"{o['utility']:.0f}", *(_told(values[o["name"]][name]) for name in COLUMNS)) for o in options]
    columns = ("schedule", "worst fifth / d", *(name.replace("_", " ") for name in COLUMNS))
    return [
        Chart(
            "Schedules",
            (front,),
            "Fraction doses week by week; each best of its total dose. Progression: living cells 40 % above those at the first fraction.",
        ),
        Table("Schedules", columns, tuple(rows), "Median (90 %) over the belief on the day of the decision; equal draws for all."),
    ]


def legible(case: Case, values: Mapping[str, Float[Array, "draws m"]]) -> Mapping[str, Float[Array, "draws"]]:
    """Volumes of the next scan in mL; shapes are left to the overlap's table."""
    return {name: np.exp(values[kind]).reshape(-1) for kind, name in NAMES.items() if kind in values}


def _told(three: Sequence[float]) -> str:
    mid, low, high = three
    return f"{mid:.0f}" if low == high else f"{mid:.0f} ({low:.0f}–{high:.0f})"


def _learned(told: Told, rng: np.random.Generator) -> Table:
    """Each parameter before and after, and which of them the scans say nothing about."""
    _, params = told.twin.belief.draw(DRAWS, rng)
    parameters = told.twin.model.parameters
    prior = {p.name: to_value(p, column) for p, column in zip(parameters, draw_free(parameters, DRAWS, rng).T)}
    rows = []
    for p in parameters:
        ratio = float(np.log(params[p.name]).std() / np.log(prior[p.name]).std())
        three = [f"{v:.3g}" for v in np.quantile(params[p.name], (0.5, 0.05, 0.95))]
        rows.append(
            (
                p.name,
                f"{np.median(prior[p.name]):.3g}",
                f"{three[0]} ({three[1]}–{three[2]})",
                f"{ratio:.2f}",
                "" if ratio < INFORMED else "not informed",
            )
        )
    return Table("What was learned", ("parameter", "prior", "now (90 %)", "spread against prior", ""), tuple(rows))
