"""What a simulation is asked for, checked before a proton is started."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Shaped

from gemel.core.errors import GeometryError, InputError, RangeError
from gemel.core.image import Array, Image, is_axis_aligned
from gemel.engines.dose.beam_data import BeamData
from gemel.engines.dose.monte_carlo.statistics import BATCHES
from gemel.engines.dose.path import beam_axes
from gemel.engines.dose.range_shifter import ShiftedBeam, beam_of, shifter_of

FAR_MM = 100.0  # an isocentre further than this outside the grid is taken for a mistake
WHERE = "monte_carlo"
REACH = 4.0  # spot sigmas


@dataclass(frozen=True)
class Task:
    """A plan on a grid: spots, their weights in 1e6 protons, the machine, the isocentre; histories in each batch and the seed."""

    image: Image
    spots: Float[Array, "s 4"]
    weights: Float[Array, "s"]
    machine: BeamData
    isocentre_mm: Float[Array, "3"]
    count: int
    seed: int

    @property
    def histories(self) -> int:
        """Protons that are simulated."""
        return self.count * BATCHES

    @property
    def protons(self) -> float:
        """Protons of the plan."""
        return 1e6 * float(self.weights.sum())


def checked(
    image: Image,
    spots: Shaped[Array, "..."],
    weights: Shaped[Array, "..."],
    machine: BeamData | ShiftedBeam,
    isocentre_mm: Shaped[Array, "3"] | Sequence[float | int],
    run: tuple[int, int],
) -> Task:
    """The task of `run`, (histories, seed); histories are raised to the next multiple of the batches.

    Raises GeometryError, InputError and RangeError for what cannot be simulated.
    """
    if shifter_of(machine) is not None:
        remedy = "put the slab into the image as water of its thickness, or use the pencil beam"
        raise InputError("a range shifter, which the Monte Carlo does not have", where=WHERE, remedy=remedy)
    if not is_axis_aligned(image):
        raise GeometryError("an image whose axes are not along x, y, z", where=WHERE, remedy="resample it onto an axis-aligned LPS grid")
    plan, beam = np.asarray(spots, dtype=np.float64), beam_of(machine)
    if plan.ndim != 2 or plan.shape[1] != 4 or len(plan) == 0 or not np.isfinite(plan).all():
        remedy = "pass finite rows of (gantry_deg, x_bev_mm, z_bev_mm, energy_MeV)"
        raise InputError(f"spots of shape {plan.shape}, or not finite", where=WHERE, remedy=remedy)
    centre_mm = _centre(image, isocentre_mm)
    given = _weights(weights, len(plan))
    _require_aimed(image, plan[given > 0], beam, centre_mm)
    histories, seed = run
    if histories < BATCHES or not 0 <= seed < 2**63:
        found = f"{histories} histories with seed {seed}"
        raise RangeError(found, where=WHERE, remedy=f"at least {BATCHES} histories (one a batch), seed from 0 to 2^63 - 1")
    return Task(image, plan, given, beam, centre_mm, -(-histories // BATCHES), seed)


def _centre(image: Image, isocentre_mm: Shaped[Array, "3"] | Sequence[float | int]) -> Float[Array, "3"]:
    centre_mm = np.asarray(isocentre_mm, dtype=np.float64)
    low = image.origin_mm - image.spacing_mm / 2
    outside = np.maximum(low - centre_mm, centre_mm - (low + image.spacing_mm * image.shape)).max()
    if not outside <= FAR_MM:
        remedy = "give the isocentre in LPS mm of the image's frame"
        raise GeometryError(f"an isocentre {outside:.0f} mm outside the grid", where=WHERE, remedy=remedy)
    return centre_mm


def _require_aimed(image: Image, plan: Float[Array, "s 4"], machine: BeamData, isocentre_mm: Float[Array, "3"]) -> None:
    """Raises RangeError for spots whose centre passes the grid at more than REACH spot sigmas: almost all of their protons miss it."""
    axes = np.array([beam_axes(float(angle)) for angle in plan[:, 0]])
    low = image.origin_mm - image.spacing_mm / 2 - isocentre_mm
    ends = np.stack([low, low + image.spacing_mm * image.shape])
    corners = np.array([[x, y] for x in ends[:, 0] for y in ends[:, 1]])
    across = axes[:, 1:] * corners[:, 0] + axes[:, :1] * corners[:, 1]
    nearest = np.array([across.min(axis=1), np.full(len(plan), ends[0, 2])])
    farthest = np.array([across.max(axis=1), np.full(len(plan), ends[1, 2])])
    beside = np.maximum(np.maximum(nearest - plan[:, 1:3].T, plan[:, 1:3].T - farthest), 0.0)
    missed = np.hypot(*beside) > REACH * np.interp(plan[:, 3], machine.energy_MeV, machine.spot_sigma_mm)
    if missed.any():
        remedy = "check isocentre, gantry angles and spot positions against the image, or enlarge the grid"
        raise RangeError(f"{np.count_nonzero(missed)} of {len(plan)} spots are aimed past the grid", where=WHERE, remedy=remedy)


def _weights(weights: Shaped[Array, "..."], spots: int) -> Float[Array, "s"]:
    found = np.asarray(weights, dtype=np.float64)
    if found.shape != (spots,) or not np.isfinite(found).all():
        raise InputError(f"weights of shape {found.shape} for {spots} spots, or not finite", where=WHERE, remedy="one finite weight a spot")
    if found.min() < 0 or found.sum() <= 0:
        least, total = found.min(), found.sum()
        raise RangeError(f"weights from {least:g}, together {total:g}", where=WHERE, remedy="1e6 protons a spot, 0 or more, not all 0")
    return found
