"""What a day's slices of a phantom give: the metrics that a twin follows, and what people read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy import ndimage

from gemel.core.errors import InputError
from gemel.core.image import Array
from gemel.core.quality import QualityDay
from gemel.devices.ct.phantom.plane import Plane, plane_of
from gemel.devices.ct.phantom.recognise import Shown, recognise
from gemel.devices.ct.phantom.sharpness import MOST_mm, edge_mtf50_1_mm, ramp_slice_mm
from gemel.devices.ct.phantom.texture import middle, noise_power, texture

LIGHT_HU, DENSE_HU = (-400.0, -30.0), (150.0, 3000.0)
PLAIN = ("water_HU", "ln_noise_centre_1")
SQUARE_mm, SHADING_1_mm = 50.0, 0.06
WIRE_mm, WIRE_REACH_mm, WIRE_STEP_mm = 38.0, 18.0, 0.25


@dataclass(frozen=True)
class Measured:
    """Metrics by name; rods (distance from the centre in mm, HU) by angle from the densest; HU of a light and a dense rod; what was shown.

    `figures`: numbers beside those that a twin follows (slice width, diameter of the body, where the noise's power peaks).
    """

    values: Mapping[str, float]
    rods: Float[Array, "rods 2"]
    extremes: Float[Array, "2"]
    figures: Mapping[str, float]
    words: str
    notes: tuple[str, ...]

    def vector(self, names: Sequence[str]) -> Float[Array, "m"]:
        """Metrics in an order, NaN for what was not measured."""
        return np.array([self.values.get(name, np.nan) for name in names])


def measure(day: QualityDay) -> Measured:
    """Everything that the day's slices show; several slices of one kind are averaged. Raises what a slice raises that is no phantom."""
    values: dict[str, list[float]] = {}
    figures: dict[str, list[float]] = {}
    shown, rows = [], np.zeros((0, 2))
    instead: dict[str, list[float]] = {}  # where no slice of the right kind is there
    for i, image in enumerate(day.slices):
        where = f"slice {i + 1} of {day.source[:48]}"
        plane = plane_of(image, where)
        found = recognise(plane, where)
        shown.append(f"{found.kind} ({found.phantom})")
        if found.kind == "rods":
            rows = np.array([[rod.radius_mm, rod.HU] for rod in found.rods])
            _collect(instead, middle(plane))
        if found.phantom == "water":
            _collect(instead, _body_edge(plane))
        _collect(values, _metrics(plane, found))
        _collect(figures, _figures(plane, found))
    _collect(values, _tube(day))
    values = {**{name: found for name, found in instead.items() if "water_HU" not in values or name not in PLAIN}, **values}
    held = {name: float(np.mean(found)) for name, found in values.items()}
    extremes = np.array([held.get(name, np.nan) for name in ("light_HU", "dense_HU")])
    means = {name: float(np.mean(found)) for name, found in figures.items()}
    return Measured(held, rows, extremes, means, ", ".join(dict.fromkeys(shown)), ())


def _collect(into: dict[str, list[float]], found: Mapping[str, float]) -> None:
    for name, value in found.items():
        into.setdefault(name, []).append(value)


def _metrics(plane: Plane, shown: Shown) -> dict[str, float]:
    """Of one slice, by what it shows: rods, sharpness and scale from rods; texture from plain slices and cores."""
    if shown.kind == "rods":
        return {**_rods(shown), **_sharpness(plane, shown), **_scale(shown)}
    if shown.kind == "uniform":
        return texture(plane)
    return {}


def _rods(shown: Shown) -> dict[str, float]:
    """Mean HU of the rods lighter than water (air left out: it is clipped), and HU of the densest."""
    light = [rod.HU for rod in shown.rods if LIGHT_HU[0] < rod.HU < LIGHT_HU[1]]
    dense = [rod.HU for rod in shown.rods if DENSE_HU[0] < rod.HU < DENSE_HU[1]]
    return {**({"light_HU": float(np.mean(light))} if light else {}), **({"dense_HU": max(dense)} if dense else {})}


def _sharpness(plane: Plane, shown: Shown) -> dict[str, float]:
    """ln of MTF50, mean over the rods that stand out by 400 HU."""
    best = [rod for rod in shown.rods if abs(rod.mark_HU) > 400.0]
    found = [edge_mtf50_1_mm(plane, rod.x_mm, rod.y_mm, rod.diameter_mm / 2) for rod in best]
    return {"ln_mtf50_1": float(np.log(np.mean(found)))} if found else {}


def _body_edge(plane: Plane) -> dict[str, float]:
    """ln of MTF50 at the body's own edge: air beside water; nothing where the image ends too near to it."""
    reach_px = (plane.radius_mm + MOST_mm) / plane.pixel_mm
    if any(min(c, n - 1 - c) < reach_px for c, n in zip(plane.centre, plane.HU.shape)):
        return {}
    return {"ln_mtf50_1": float(np.log(edge_mtf50_1_mm(plane, 0.0, 0.0, plane.radius_mm)))}


def _scale(shown: Shown) -> dict[str, float]:
    """Sides of the square of marks against 50 mm, in per cent; without marks the mean distance of opposite rods, ln × 100."""
    if shown.marks:
        at = np.array([[mark.x_mm, mark.y_mm] for mark in shown.marks])
        sides_mm = np.linalg.norm(at - np.roll(at, 1, axis=0), axis=1)
        return {"scale_pct": float(100.0 * (sides_mm.mean() / SQUARE_mm - 1.0))}
    at = np.array([[rod.x_mm, rod.y_mm] for rod in shown.rods])
    spread_mm = float(np.sqrt(np.square(at - at.mean(axis=0)).sum(axis=1).mean()))
    return {"scale_pct": 100.0 * float(np.log(spread_mm))}


def _figures(plane: Plane, shown: Shown) -> dict[str, float]:
    found = {"diameter_mm": 2 * plane.radius_mm}
    if shown.kind == "uniform":
        f_1_mm, power = noise_power(plane, min(64.0, plane.radius_mm))
        found["noise_peak_1_mm"] = float(f_1_mm[int(np.argmax(np.where(f_1_mm > SHADING_1_mm, power, 0.0)))])
    if shown.kind == "rods" and shown.phantom == "CatPhan":
        widths = wire_slices_mm(plane, shown)
        if widths:
            found["slice_mm"] = float(np.mean(widths))
    return found


def wire_slices_mm(plane: Plane, shown: Shown) -> tuple[float, ...]:
    """Slice widths at CatPhan's four ramps, 38 mm from the centre, along the square of marks; those that do not show are left out."""
    turn = np.degrees(shown.marks[0].angle) - 45.0 if shown.marks else 0.0
    found = []
    for k in range(4):
        angle = np.radians(turn + 90.0 * k)
        out, along = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
        s = np.arange(-WIRE_REACH_mm, WIRE_REACH_mm, WIRE_STEP_mm)
        points = [(WIRE_mm + off) * out[:, None] + along[:, None] * s for off in np.arange(-2.0, 2.1, 0.5)]
        lines = [ndimage.map_coordinates(plane.HU, p / plane.pixel_mm + plane.centre[:, None], order=1) for p in points]
        best = max(lines, key=lambda line: float(line.max()))
        try:
            found.append(ramp_slice_mm(best, WIRE_STEP_mm))
        except InputError:  # a ramp that this slice does not cut
            continue
    return tuple(found)


def _tube(day: QualityDay) -> dict[str, float]:
    """What the log says of voltage and load, in per cent of what was set."""
    if not len(day.tube):
        return {}
    kV, mAs = (100.0 * (column.mean() / stated - 1.0) for column, stated in zip(day.tube.T, (day.exposure.kVp, day.exposure.mAs)))
    return {"tube_kV_pct": float(kV), "tube_mAs_pct": float(mAs)}
