"""What a report shows of the field member: where the last scan was expected, where the next is, and how cells are thought to move."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from gemel.core import twin as twins
from gemel.core.belief import Draws
from gemel.core.image import Array, Image, with_array, world_mm
from gemel.core.page import Cut, Table, Told, Views
from gemel.core.structures import Structures, dice
from gemel.core.time import DAY_S, iso
from gemel.core.twin import Twin
from gemel.systems.glioma.field import FLAIR, T1GD
from gemel.systems.glioma.field_course import course, past
from gemel.systems.glioma.field_learning import effective_of_ways, weight_of_ways
from gemel.systems.glioma.ground import Ground, laid
from gemel.systems.glioma.transport import CONTRAST, TENSOR, UNIFORM

DRAWS, AHEAD_d = 32, 28.0
COLUMNS = ("scan, volume", "Dice foretold (90 %)", "Dice that came", "Dice, unchanged")
OVERLAP_NOTE = "Of where a volume is more likely than not, from the belief before the scan; foretold without the error of an outline."
WAY_COLUMNS = ("member", "diffusion", "weight", "effective runs")
WAY_NOTE = "Weights by how well each foretold the scans; equal before them. Effective runs: independent draws that the belief is worth."
SAID = {CONTRAST: "five times as easy in white as in grey matter", UNIFORM: "alike in both", TENSOR: "along fibres, as DTI has them"}
EDGES = {"enhancing": T1GD, "flair": FLAIR}


@dataclass(frozen=True)
class Overlap:
    """Of a volume: Dice of where it was more likely than not, what that was foretold to be (median, 90 %), and that of the last scan."""

    dice: float
    expected: tuple[float, float, float]
    unchanged: float


def probabilities(on: Ground, twin: Twin, t_s: float, rng: np.random.Generator) -> dict[str, Float[Array, "draws x y z"]]:
    """Whether each volume covers a voxel at a time, draw by draw, from the belief now and what was given."""
    state, params = twin.belief.draw(DRAWS, rng)
    reached = twin.model.dynamics(state, params, twins.given(twin), twin.t_s, t_s, rng)
    cells = course(on, params, past(reached), [float(reached["age_s"][0])], lambda u: u)[:, 0]
    return {name: (cells > edge).astype(np.float32) for name, edge in EDGES.items()}


def before(twin: Twin, t_s: float) -> Twin:
    """The twin that had not seen what came at a time and since; what was given stays."""
    kept = tuple(e for e in twin.record if e.t_s < t_s)
    return twins.replay(twin, kept)


def overlap(draws: Float[Array, "draws x y z"], seen: Bool[Array, "x y z"], last: Bool[Array, "x y z"]) -> Overlap:
    """Of a forecast and what came; `last`: the scan before, as if nothing had changed."""
    return Overlap(dice(likely(draws), seen), expected_dice(draws), dice(last, seen))


def likely(draws: Float[Array, "draws x y z"]) -> Bool[Array, "x y z"]:
    """Where a volume is more likely than not."""
    return np.asarray(draws.mean(axis=0) > 0.5)


def expected_dice(draws: Float[Array, "draws x y z"]) -> tuple[float, float, float]:
    """What the Dice of the likely volume will be if one of the draws comes true: median and 90 %. Outlines' own errors are not in it."""
    low, mid, high = np.quantile([dice(likely(draws), one > 0.5) for one in draws], (0.05, 0.5, 0.95))
    return float(mid), float(low), float(high)


def sections(on: Ground, told: Told, rng: np.random.Generator) -> tuple[Views | Table, ...]:
    """The last scan against what was expected before it, and where the next one is expected."""
    twin, t_s = told.twin, told.days[-1][0]
    seen = laid(on, told.days[-1][1].structures)
    ahead = probabilities(on, twin, twin.t_s + AHEAD_d * DAY_S, rng)
    title = f"expected {iso(twin.t_s + AHEAD_d * DAY_S)[:10]}"
    cuts = [_cut(on, f"{title}, {name}", draws) for name, draws in ahead.items()]
    rows = [_row(f"{title[9:]}, {name}", expected_dice(draws)) for name, draws in ahead.items()]
    if len(told.days) > 1:
        expected = probabilities(on, before(twin, t_s), t_s, rng)
        cuts = [_cut(on, f"expected {iso(t_s)[:10]}, {name}", draws) for name, draws in expected.items()] + cuts
        last = laid(on, told.days[-2][1].structures)
        found = {name: overlap(expected[name], seen[name], last[name]) for name in EDGES if name in seen and name in last}
        rows = [_row(f"{iso(t_s)[:10]}, {name}", o.expected, o) for name, o in found.items()] + rows
    note = f"Probability that a voxel is within the volume at that time; outlines: the scan of {iso(t_s)[:10]}."
    views = Views("Forecast against scan", tuple(cuts), Structures(on.grid, seen), "1", note)
    return (views, Table("Overlap of forecast and scan", COLUMNS, tuple(rows), OVERLAP_NOTE), *_ways(twin))


def _row(name: str, expected: tuple[float, float, float], found: Overlap | None = None) -> tuple[str, ...]:
    mid, low, high = expected
    came = (f"{found.dice:.3f}", f"{found.unchanged:.3f}") if found else ("", "")
    return (name, f"{mid:.3f} ({low:.3f}–{high:.3f})", *came)


def _ways(twin: Twin) -> tuple[Table, ...]:
    """Weights of the rival ways to move; nothing before a second scan."""
    if not isinstance(twin.belief, Draws):
        return ()
    effective = effective_of_ways(twin.belief)
    rows = tuple(
        (name, SAID[name], f"{100 * weight:.0f} %", f"{effective[name]:.0f}" if name in effective else "")
        for name, weight in weight_of_ways(twin.belief).items()
    )
    return (Table("How cells move", WAY_COLUMNS, rows, WAY_NOTE),)


def _cut(on: Ground, title: str, draws: Float[Array, "draws x y z"]) -> Cut:
    image: Image = with_array(on.grid, draws.mean(axis=0))
    widest = int(np.argmax((on.start > FLAIR).sum(axis=(0, 1))))
    return Cut(title, image, 2, world_mm(image, np.array([[0.0, 0.0, widest]]))[0], 1.0)
