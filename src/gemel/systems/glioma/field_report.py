"""What a report shows of the field member: where the last scan was expected, and where the next is."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from gemel.core import twin as twins
from gemel.core.image import Array, Image, with_array, world_mm
from gemel.core.page import Cut, Table, Told, Views
from gemel.core.structures import Structures
from gemel.core.time import DAY_S, iso
from gemel.core.twin import Twin
from gemel.systems.glioma.field import FLAIR, T1GD
from gemel.systems.glioma.field_course import course, past
from gemel.systems.glioma.ground import Ground, laid

DRAWS, AHEAD_d = 32, 28.0
EDGES = {"enhancing": T1GD, "flair": FLAIR}


@dataclass(frozen=True)
class Overlap:
    """Of a volume: Dice of where it was more likely than not, median and 90 % of the Dice of single draws, and of the last scan again."""

    dice: float
    draws: tuple[float, float, float]
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
    single = [dice(one > 0.5, seen) for one in draws]
    low, mid, high = np.quantile(single, (0.05, 0.5, 0.95))
    return Overlap(dice(draws.mean(axis=0) > 0.5, seen), (float(mid), float(low), float(high)), dice(last, seen))


def dice(a: Bool[Array, "x y z"], b: Bool[Array, "x y z"]) -> float:
    """2|A∩B|/(|A| + |B|); one where both are empty. Dice 1945, Ecology 26:297."""
    whole = int(a.sum()) + int(b.sum())
    return 2.0 * int((a & b).sum()) / whole if whole else 1.0


def sections(on: Ground, told: Told, rng: np.random.Generator) -> tuple[Views | Table, ...]:
    """The last scan against what was expected before it, and where the next one is expected."""
    twin, t_s = told.twin, told.days[-1][0]
    seen = laid(on, told.days[-1][1].structures)
    ahead = probabilities(on, twin, twin.t_s + AHEAD_d * DAY_S, rng)
    title = f"expected {iso(twin.t_s + AHEAD_d * DAY_S)[:10]}"
    cuts = [_cut(on, f"{title}, {name}", draws) for name, draws in ahead.items()]
    tables: tuple[Table, ...] = ()
    if len(told.days) > 1:
        expected = probabilities(on, before(twin, t_s), t_s, rng)
        cuts = [_cut(on, f"expected {iso(t_s)[:10]}, {name}", draws) for name, draws in expected.items()] + cuts
        last = laid(on, told.days[-2][1].structures)
        tables = (_table({name: overlap(expected[name], seen[name], last[name]) for name in EDGES if name in seen and name in last}),)
    note = f"Probability that a voxel is within the volume at that time; outlines: the scan of {iso(t_s)[:10]}."
    return (Views("Forecast against scan", tuple(cuts), Structures(on.grid, seen), "1", note), *tables)


def _table(found: dict[str, Overlap]) -> Table:
    rows = tuple(
        (name, f"{o.dice:.3f}", f"{o.draws[0]:.3f} ({o.draws[1]:.3f}–{o.draws[2]:.3f})", f"{o.unchanged:.3f}") for name, o in found.items()
    )
    columns = ("volume", "Dice, more likely than not", "Dice of a draw (90 %)", "Dice, unchanged")
    return Table("Overlap of forecast and scan", columns, rows, "Expected from the belief before the scan; unchanged: the scan before it.")


def _cut(on: Ground, title: str, draws: Float[Array, "draws x y z"]) -> Cut:
    image: Image = with_array(on.grid, draws.mean(axis=0))
    widest = int(np.argmax((on.start > FLAIR).sum(axis=(0, 1))))
    return Cut(title, image, 2, world_mm(image, np.array([[0.0, 0.0, widest]]))[0], 1.0)
