"""A whole system in miniature (a height, seen as the mean of a tiny image), so that the verbs of trust can be tried in milliseconds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from gemel import flow, io
from gemel.core.decision import Goal
from gemel.core.forecast import forecast
from gemel.core.image import Array, Image
from gemel.core.record import Action, Observation
from gemel.core.system import Judgement, Progress, System
from gemel.core.time import DAY_S, iso, seconds
from gemel.core.twin import Twin
from gemel.flow import registry
from gemel.store import Event, Store
from tests.contract import plugins

START = "2026-03-02T09:00:00"
IDENTITY = io.Identity("P-471147", issuer="HOSPITAL", patient_name="LOVELACE^ADA")
SHOWN = {"day 1": 3.0, "day 2": -6.0, "day 3": 2.0, "day 4": 5.0}


@dataclass(frozen=True)
class Case:
    """The planning image's mean, mm."""

    level_mm: float
    ct: Image
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Day:
    """A scan's mean, mm."""

    height_mm: float
    quality: Mapping[str, float]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Library:
    """Levels to choose from, mm, shifted by what was believed when they were made."""

    names: tuple[str, ...]
    levels_mm: Float[Array, "n"]


@dataclass(frozen=True)
class Part:
    """What one day gave."""

    amount: float


def _prepare(twin: Twin, case: Case, k: int, t_s: float, progress: Progress) -> Library:
    ahead = forecast(twin, (), ["height_mm"], t_s, 100, np.random.default_rng(1)).values["height_mm"]
    levels = np.array([*np.quantile(ahead, np.linspace(0.2, 0.8, k)), 0.0])
    return Library((*(f"level-{i}" for i in range(k)), "zero"), levels)


def _observe(case: Case, image: Image, progress: Progress) -> Day:
    height_mm = float(image.array.mean()) / 10 - case.level_mm
    return Day(height_mm, {"similarity": 1.0}, ("a made-up day",))


def _observations(day: Day, t_s: float, source: str) -> tuple[Observation, ...]:
    return (Observation("height_mm", t_s, np.array([day.height_mm]), np.array([0.5]), source),)


def _judge(twin: Twin, case: Case, library: Library, day: Day, *, draws: int, rng: np.random.Generator, progress: Progress) -> Judgement:
    seen = twin.belief.draw(draws, rng)[0]["height_mm"]
    made = forecast(twin, (_treat(library.names[0], library, twin.t_s, ""),), ["miss_mm"], twin.t_s, draws, rng)
    values = {name: replace(made, values={"miss_mm": np.abs(seen - level)}) for name, level in zip(library.names, library.levels_mm)}
    doses = {name: np.full((2, 2, 2), level) for name, level in zip(library.names, library.levels_mm)}
    return Judgement(values, doses, {name: np.zeros(3) for name in library.names})


def _treat(plan: str, library: Library, t_s: float, source: str) -> Action:
    return Action("choose", t_s, float(library.names.index(plan)), "level", source)


def _names(library: Library) -> Sequence[str]:
    return library.names


SYSTEM = replace(
    plugins.system(plugins.honest),
    begin=lambda ct: Case(float(ct.array.mean()) / 10, ct, ("a made-up case",)),
    model=lambda case, library: plugins.honest(),
    prepare=_prepare,
    observe=_observe,
    observations=_observations,
    judge=_judge,
    treat=_treat,
    plans=_names,
    notes=lambda case: case.notes,
    goal=lambda: Goal(lambda values: -values["miss_mm"], unit="mm"),
    case=Case,
    library=Library,
    day=Day,
    planning=("ct",),
    plan=Part,
    take=lambda library, name: Part(float(library.levels_mm[library.names.index(name)])),
    part=Part,
    deliver=lambda case, day, plan, draws, rng: Part(plan.amount + day.height_mm),
)


def image_of(height_mm: float, seed: int = 0) -> Image:
    """A small image whose mean is ten times the height."""
    affine_mm = np.diag([4.0, 4.0, 4.0, 1.0])
    noise = np.random.default_rng(seed).integers(-20, 21, (8, 7, 4))
    return Image((np.round(10 * height_mm) + noise - round(noise.mean())).astype(np.float32), affine_mm)


def day_s(day: int) -> float:
    return seconds(START) + day * DAY_S


def write_files(folder: Path) -> None:
    """The planning image and four days as DICOM."""
    io.write_image(folder / "ct", image_of(0.0), IDENTITY, acquired=START)
    for day, height_mm in enumerate(SHOWN.values(), 1):
        when = iso(day_s(day)).removesuffix("Z")
        io.write_image(folder / f"day_{day}", image_of(height_mm, day), IDENTITY, acquired=when, description="a day")


def begun(record: Store, folder: Path, *, prepare: bool = True) -> str:
    """A twin with its library."""
    twin: str = flow.new(record, "height", folder / "ct", actor="NIGHTINGALE")
    if prepare:
        flow.prepare(record, twin, k=3, actor="NIGHTINGALE")
    return twin


def live(record: Store, twin: str, folder: Path, days: Sequence[int], *, acting: bool = True) -> dict[int, Event]:
    """Observe, decide and act on some days; the Observed event of each."""
    for day in days:
        flow.observe(record, twin, folder / f"day_{day}", actor="NIGHTINGALE")
        if acting:
            chosen = flow.decide(record, twin, draws=8, actor="NIGHTINGALE").decision.recommended
            flow.act(record, twin, chosen, actor="NIGHTINGALE", note="told LOVELACE on the telephone")
    return {round((e.valid_s - seconds(START)) / DAY_S): e for e in record.events(twin) if e.kind == "Observed"}


def system(name: str) -> System:
    """In place of `registry.system`."""
    return SYSTEM


def installed(patch: Any) -> None:
    """The only system there is."""
    patch.setattr(registry, "system", system)
    patch.setattr(registry, "systems", lambda: ("height",))
