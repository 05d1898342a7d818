"""Monte Carlo dose of a proton plan with its statistical uncertainty."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Float32, Shaped

from gemel.core.errors import RangeError
from gemel.core.image import Array, Image, with_array
from gemel.engines.dose.beam_data import BeamData
from gemel.engines.dose.entry import require_tissue, require_whole_body
from gemel.engines.dose.monte_carlo import transport
from gemel.engines.dose.monte_carlo.media import Media, Values, media_of
from gemel.engines.dose.monte_carlo.source import source_of
from gemel.engines.dose.monte_carlo.statistics import BATCHES, add, relative_standard_error, together
from gemel.engines.dose.monte_carlo.tables import water_tables
from gemel.engines.dose.monte_carlo.task import WHERE, Task, checked
from gemel.engines.dose.range_shifter import ShiftedBeam

MEV_J = 1.602176634e-13  # CODATA 2018, exact
TOTALS = 6
Report = Callable[[int, int], None]  # (histories done, of how many)
To = Literal["water", "medium"]


@dataclass(frozen=True)
class Tally:
    """What a simulation found: dose (Gy) of the whole plan, its relative standard error, dose-averaged LET in water, and the balance.

    `let_keV_um` is that of all protons, primary and secondary; heavier fragments are in the dose but not in it; 0 where no proton came, and
    None unless asked for. Energies are per proton of the plan: in = deposited + escaped (protons that leave or miss the grid) + neutral
    (neutrons, which are not followed) + binding (separation energies and photons).
    """

    dose_Gy: Float32[Array, "x y z"]
    uncertainty: Float32[Array, "x y z"]
    let_keV_um: Float32[Array, "x y z"] | None
    histories: int
    in_MeV: float
    deposited_MeV: float
    escaped_MeV: float
    neutral_MeV: float
    binding_MeV: float
    collisions: float


def simulate(
    rsp_or_hu: Image,
    spots: Shaped[Array, "..."],
    weights: Shaped[Array, "..."],
    machine: BeamData | ShiftedBeam,
    isocentre_mm: Shaped[Array, "3"] | Sequence[float | int],
    histories: int,
    seed: int,
    *,
    values: Values = "auto",
    table: Shaped[Array, "n 2"] | None = None,
    dose_to: To = "water",
    progress: Report | None = None,
) -> tuple[Float32[Array, "x y z"], Float32[Array, "x y z"]]:
    """Dose in Gy of the plan, and its relative statistical standard error by voxel (1 where no history scored, never NaN); see `tally`."""
    plan = (rsp_or_hu, spots, weights, machine, isocentre_mm, histories, seed)
    found = tally(*plan, values=values, table=table, dose_to=dose_to, progress=progress)
    return found.dose_Gy, found.uncertainty


def tally(
    rsp_or_hu: Image,
    spots: Shaped[Array, "..."],
    weights: Shaped[Array, "..."],
    machine: BeamData | ShiftedBeam,
    isocentre_mm: Shaped[Array, "3"] | Sequence[float | int],
    histories: int,
    seed: int,
    *,
    values: Values = "auto",
    table: Shaped[Array, "n 2"] | None = None,
    dose_to: To = "water",
    let: bool = False,
    progress: Report | None = None,
) -> Tally:
    """Dose, uncertainty, LET and energy balance of a plan by class-II condensed histories of protons and their secondary protons.

    `spots`: (gantry_deg, x_bev_mm, z_bev_mm, energy_MeV) as for `influence`; `weights` in 1e6 protons. `histories` protons are shared out
    to spots by weight, stratified, in 32 equal batches whose spread gives the uncertainty; the answer is the same, bit for bit, for a seed
    whatever the number of threads. `values` says what the image holds: "rsp" (water of scaled density), "hu" (tissues of Schneider et al.
    2000, stopping power by `table`), or "auto". Dose to "water" is energy per (RSP x volume), what a pencil beam computes; to "medium"
    energy per mass. Stopping: CSDA range tables, RSP the same at all energies; scattering: Gottschalk 2010, Med Phys 37:352; nuclear:
    Fippel & Soukup 2004, Med Phys 31:2263. Neutrons and photons are not followed.
    Raises GeometryError, InputError, RangeError; a plan that gives no dose is an error.
    """
    task = checked(rsp_or_hu, spots, weights, machine, isocentre_mm, (histories, seed))
    if dose_to not in ("water", "medium"):
        raise RangeError(f"dose_to={dose_to!r}", where=WHERE, remedy='say "water" or "medium"')
    media = media_of(rsp_or_hu, values, table)
    stopping = with_array(rsp_or_hu, media.relative[..., 0].astype(np.float32))
    require_tissue(stopping)
    require_whole_body(stopping, task.spots[task.weights > 0], task.isocentre_mm)
    sums, let_sum, totals = _run(task, media, let, progress)
    if not sums[0].any():
        remedy = "check isocentre, gantry angles and spot positions against the image, or enlarge the grid"
        raise RangeError("no proton of the plan gives dose on the grid", where=WHERE, remedy=remedy)
    return _tally(task, _mass_g(media, task.image, dose_to), sums, let_sum, totals)


def _run(task: Task, media: Media, let: bool, progress: Report | None) -> tuple[tuple[Array, Array], Array, Array]:
    """Sums over batches of energy and squared energy (MeV) by voxel, of LET-weighted energy, and of the totals."""
    image, tables = task.image, water_tables()
    source = source_of(image, task.spots, task.weights, task.machine, task.isocentre_mm)
    voxels = image.array.size
    group = together(voxels)
    sums, let_sum = (np.zeros(voxels), np.zeros(voxels)), np.zeros(voxels if let else 0)
    dose = np.empty((group, voxels), dtype=np.float32)
    weighted = np.empty((group, len(let_sum)), dtype=np.float32)
    totals = np.zeros((BATCHES, TOTALS))
    described = (
        (source.shares, source.rows, source.centre_mm),
        media.relative.reshape(-1, 4),
        (np.array(image.shape, dtype=np.int64), 1 / image.spacing_mm),
        (tables.rows, tables.normals),
    )
    for first in range(0, BATCHES, group):
        last = min(first + group, BATCHES)
        dose[:], weighted[:] = 0.0, 0.0
        transport.run((first, last), task.count, *described, np.uint64(task.seed), dose, weighted, totals[first:last])
        add(sums, dose[: last - first])
        let_sum += weighted[: last - first].sum(axis=0, dtype=np.float64)
        if progress is not None:
            progress(last * task.count, task.histories)
    return sums, let_sum, totals.sum(axis=0)


def _mass_g(media: Media, image: Image, dose_to: To) -> Float[Array, "v"]:
    """Mass of each voxel, or of the water that would take as much energy from a proton."""
    density = media.relative[..., 0] if dose_to == "water" else media.density_g_cm3
    return np.asarray(density.reshape(-1), dtype=np.float64) * image.voxel_mL


def _tally(task: Task, mass_g: Float[Array, "v"], sums: tuple[Array, Array], let_sum: Array, totals: Array) -> Tally:
    shape, one = task.image.shape, 1.0 / task.histories
    per_proton = sums[0] * one
    dose_Gy = np.divide(task.protons * MEV_J * 1e3 * per_proton, mass_g, out=np.zeros_like(mass_g), where=mass_g > 0)
    let = np.divide(let_sum, sums[0], out=np.zeros_like(let_sum), where=sums[0] > 0) if len(let_sum) else None
    return Tally(
        dose_Gy=dose_Gy.astype(np.float32).reshape(shape),
        uncertainty=relative_standard_error(*sums, BATCHES).reshape(shape),
        let_keV_um=None if let is None else let.astype(np.float32).reshape(shape),
        histories=task.histories,
        in_MeV=totals[transport.IN] * one,
        deposited_MeV=float(per_proton.sum()),
        escaped_MeV=(totals[transport.ESCAPED] + totals[transport.MISSED]) * one,
        neutral_MeV=totals[transport.NEUTRAL] * one,
        binding_MeV=totals[transport.BINDING] * one,
        collisions=totals[transport.COLLISIONS] * one,
    )
