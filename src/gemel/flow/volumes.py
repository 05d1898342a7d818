"""Everything of a twin that can be looked at in space: scans, regions, doses and forecasts, at the times they speak of."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from gemel.core.activity import ActivityImage
from gemel.core.digest import digest
from gemel.core.image import Array, Image, with_array
from gemel.core.page import Page, Views
from gemel.core.structures import Structures
from gemel.flow.delivered import delivered
from gemel.flow.labelling import Label, layers
from gemel.flow.session import Session, day_of
from gemel.flow.walking import Part, unit_told, walked, words_of
from gemel.store import Event

Role = Literal["scan", "dose", "forecast", "structures", "map"]
UNITS = {"ct": "HU", "cbct": "HU", "spect": "Bq/mL", "pet": "Bq/mL"}
"""What voxels of a kind of input are in, where a field is called as the kind, or is the `image` of a day of that kind."""
LABELS = "label"
"""The unit of views that repeat regions as numbers."""
WINDOW_HU = (-160.0, 240.0)
PERCENT = (1.0, 99.5)
"""Per cent of the voxels that are not zero between which a window is set."""


@dataclass(frozen=True)
class Volume:
    """One image, with what a viewer must know of it. `key` is a hash of voxels and place: the same image, the same key.

    `at_s`: the time it speaks of; `window`: where its grey scale begins and ends; `labels`: of a map of regions.
    """

    key: str
    name: str
    role: Role
    at_s: float
    unit: str
    window: tuple[float, float]
    image: Image
    labels: tuple[Label, ...] = ()


def volumes(session: Session, page: Page | None = None) -> tuple[Volume, ...]:
    """What there is to see of a twin, each image once, in order of time. `page`: what its system shows, with forecasts in space."""
    found: dict[str, Volume] = {}
    for volume in (*_kept(session), *_doses(session), *_shown(session, page)):
        found.setdefault(volume.key, volume)
    return tuple(sorted(found.values(), key=lambda volume: volume.at_s))


def _kept(session: Session) -> Iterator[Volume]:
    """Images and regions of the case, the days and the library."""
    start = session.entries[0]
    yield from _of(session.case, start.valid_s, "planning", dict.fromkeys(session.system.planning, ""))
    for scan in _scans(session):
        kind = str(scan.payload.get("input", ""))
        yield from _of(day_of(session, scan), scan.valid_s, kind, {"image": kind, kind: kind})
    if session.library is not None:
        yield from _of(session.library, start.valid_s, "library", {})


def _scans(session: Session) -> list[Event]:
    return sorted((e for e in session.entries if e.kind == "Observed"), key=lambda e: (e.valid_s, e.version))


def _of(value: Any, at_s: float, what: str, kinds: Mapping[str, str]) -> Iterator[Volume]:
    for met in walked(value):
        if isinstance(met.part, Structures):
            yield from _regions(met.part, at_s, what)
        else:
            yield from _image(met.part, met.path, (at_s, what), kinds)


def _image(part: Part, path: tuple[str, ...], told: tuple[float, str], kinds: Mapping[str, str]) -> Iterator[Volume]:
    """A volume of an image whose voxels are not all the same."""
    name, unit = words_of(path), unit_told(path)
    image: Image = part.image if isinstance(part, ActivityImage) else part  # type: ignore[assignment]
    last = path[-1] if path else ""
    kind = kinds.get(last, "") or (last if last in UNITS or last in kinds else "")
    unit = part.unit if isinstance(part, ActivityImage) else unit or UNITS.get(kind, "")
    if image.array.size and image.array.min() < image.array.max():
        role: Role = "dose" if unit == "Gy" else "scan" if kind or isinstance(part, ActivityImage) else "map"
        at_s, what = told
        called = kind.upper() if kind in UNITS else kind or name
        yield volume_of(image, called if kind == what else f"{called}, {what}", at_s, unit=unit, role=role)


def _regions(part: Structures, at_s: float, what: str) -> Iterator[Volume]:
    found = layers(part)
    for n, one in enumerate(found, start=1):
        name = f"regions, {what}" + (f" ({n} of {len(found)})" if len(found) > 1 else "")
        top = float(max(label.value for label in one.labels))
        yield Volume(key_of(one.image), name, "structures", at_s, "", (0.0, top), one.image, one.labels)


def _doses(session: Session) -> Iterator[Volume]:
    """The doses that each decision kept, on the anatomy of its day, and what was given so far, on that of planning."""
    scans = {scan.hash: scan for scan in _scans(session)}
    for decided in (e for e in session.entries if e.kind == "Decided" and e.payload["doses"] and e.payload["scan"] in scans):
        day = day_of(session, scans[decided.payload["scan"]])
        for plan, dose_Gy in session.store.artefacts.get_arrays(decided.payload["doses"]).items():
            if (grid := grid_like(day, dose_Gy)) is not None:
                said = " (recommended)" if plan == decided.payload["recommended"] else ""
                yield volume_of(with_array(grid, dose_Gy), f"dose of {plan}{said}", decided.valid_s, unit="Gy", role="dose")
    given = delivered(session)
    if given is not None and (grid := grid_like(session.case, given.dose_Gy)) is not None:
        name = f"dose given so far, {given.given} of {given.planned}"
        yield volume_of(with_array(grid, given.dose_Gy), name, session.twin.t_s, unit="Gy", role="dose")


def grid_like(value: Any, array: Array) -> Image | None:
    """The first grid inside a value on which the array fits."""
    for met in walked(value):
        grid = met.part.grid if isinstance(met.part, Structures) else met.part.image if isinstance(met.part, ActivityImage) else met.part
        if grid.shape == array.shape:
            return grid
    return None


def _shown(session: Session, page: Page | None) -> Iterator[Volume]:
    """Images that the system itself shows, forecasts in space among them."""
    for views in (part for part in (page.sections if page else ()) if isinstance(part, Views) and part.unit != LABELS):
        forecast = "forecast" in f"{views.title} {views.note}".lower()
        one = (
            len(views.cuts) > 1 and len({key_of(cut.image) for cut in views.cuts}) == 1
        )  # planes of one volume, which needs no plane's name
        for cut in views.cuts:
            if cut.image.array.size and cut.image.array.min() < cut.image.array.max():
                role: Role = "dose" if views.unit == "Gy" else "forecast" if forecast else "map"
                name = views.title if one else f"{views.title}: {cut.title}"
                made = volume_of(cut.image, name, session.twin.t_s, unit=views.unit, role=role)
                yield replace(made, window=(cut.bottom, cut.top)) if cut.top > cut.bottom else made


def volume_of(image: Image, name: str, at_s: float, *, unit: str, role: Role) -> Volume:
    """An image with its key and a window that shows it."""
    return Volume(key_of(image), name, role, at_s, unit, window_of(image.array, unit, role), image)


def window_of(array: Array, unit: str, role: Role) -> tuple[float, float]:
    """Soft tissue for HU, all of it from zero for a dose, else between the low and the high per cent of what is not zero."""
    if unit == "HU":
        return WINDOW_HU
    if role == "dose":
        return 0.0, float(array.max())
    thinned = array[::2, ::2, ::2] if array.size > 1_000_000 else array
    seen = thinned[thinned != 0]
    low, high = np.percentile(seen if seen.size else thinned, PERCENT)
    return float(low), float(high) if high > low else float(low) + 1.0


def key_of(image: Image) -> str:
    """Hash of voxels and place."""
    return hashlib.sha256(f"volume 1 {digest(image.array)} {digest(np.round(image.affine_mm, 6))}".encode()).hexdigest()[:40]
