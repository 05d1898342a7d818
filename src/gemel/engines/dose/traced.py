"""Spots on a grid: the depths that each gantry angle sees, and the tables of each spot's layer."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Int, Shaped

from gemel.core.errors import GeometryError, InputError, RangeError
from gemel.core.image import Array, Image
from gemel.engines.dose.beam_data import BeamData, layer
from gemel.engines.dose.entry import require_tissue, require_whole_body, skin_mm
from gemel.engines.dose.lookup import Lookup, tabulate
from gemel.engines.dose.path import beam_axes, path_length, require_rsp
from gemel.engines.dose.range_shifter import ShiftedBeam, air_gap_mm, beam_of, behind, shifter_of

KEPT = 0.995  # share of the dose across each pencil that lies within the lateral cut-off
FAR_MM = 100.0  # an isocentre further than this outside the grid is taken for a mistake


@dataclass(frozen=True)
class View:
    """The grid as one gantry angle sees it, and which spots are its own."""

    gantry_deg: float
    spots: Int[Array, "s"]
    depth_mm: Float32[Array, "x y z"]

    @property
    def axes(self) -> tuple[float, float]:
        """(sin g, cos g), exact at right angles."""
        return beam_axes(self.gantry_deg)


@dataclass(frozen=True)
class Traced:
    """What doses are computed from; made once by `trace` and shared by matrices, doses and scenarios of the same spots.

    `rows` names the row of `lookup` of each spot.
    """

    rsp: Image
    plan: Float[Array, "s 4"]
    machine: BeamData | ShiftedBeam
    isocentre_mm: Float[Array, "3"]
    kept: float
    views: tuple[View, ...]
    rows: Int[Array, "s"]
    lookup: Lookup

    @property
    def grid(self) -> Float[Array, "3 3"]:
        """Rows of (first centre from the isocentre, spacing, count), one an axis."""
        rsp = self.rsp
        return np.stack([rsp.origin_mm - self.isocentre_mm, rsp.spacing_mm, np.array(rsp.shape, dtype=np.float64)], axis=1)

    @property
    def tables(self) -> tuple[Array, Array, Array, Array]:
        """The look-up tables as the kernels take them."""
        return self.lookup.steps_1_mm, self.lookup.end_mm, self.lookup.coefficients, self.lookup.cut_mm2

    def places(self, view: View) -> tuple[Array, Array]:
        """(x_bev, z_bev) and table row of a view's spots."""
        return self.plan[view.spots, 1:3], self.rows[view.spots]


def trace(
    rsp: Image,
    spots: Shaped[Array, "..."],
    machine: BeamData | ShiftedBeam,
    isocentre_mm: Shaped[Array, "3"] | Sequence[float | int],
    *,
    kept: float = KEPT,
    cut_body: bool = False,
) -> Traced:
    """Depths along each gantry angle and tables of each layer. `cut_body` accepts an image that cuts the body off on a beam's way.

    Raises GeometryError, InputError, RangeError for what cannot be calculated.
    """
    require_rsp(rsp)
    require_tissue(rsp)
    centre_mm = np.asarray(isocentre_mm, dtype=np.float64)
    plan = _checked(rsp, spots, centre_mm, kept)
    if not cut_body:
        require_whole_body(rsp, plan, centre_mm)
    angles = [float(angle) for angle in np.unique(plan[:, 0])]
    views = tuple(View(g, np.flatnonzero(plan[:, 0] == g), path_length(rsp, rsp.array, g)) for g in angles)
    rows, lookup = layers(rsp, plan, machine, centre_mm, kept=kept)
    return Traced(rsp, plan, machine, centre_mm, kept, views, rows, lookup)


def layers(
    rsp: Image, plan: Float[Array, "s 4"], machine: BeamData | ShiftedBeam, isocentre_mm: Float[Array, "3"], *, kept: float
) -> tuple[Int[Array, "s"], Lookup]:
    """Row of each spot, and a row of tables for each energy, or for each energy and air gap when a range shifter is in."""
    beam, shifter = beam_of(machine), shifter_of(machine)
    if shifter is None:
        energies, rows = np.unique(plan[:, 3], return_inverse=True)
        return rows, tabulate([layer(beam, float(energy)) for energy in energies], kept)
    gap_mm = np.empty(len(plan))
    for angle in np.unique(plan[:, 0]):
        here = plan[:, 0] == angle
        gap_mm[here] = air_gap_mm(shifter, skin_mm(rsp, float(angle), plan[here, 1:3], isocentre_mm))
    pairs, rows = np.unique(np.stack([plan[:, 3], gap_mm], axis=1), axis=0, return_inverse=True)
    return rows.reshape(-1), tabulate([behind(layer(beam, float(e)), shifter, float(gap)) for e, gap in pairs], kept)


def _checked(rsp: Image, spots: Shaped[Array, "..."], isocentre_mm: Float[Array, "3"], kept: float) -> Float[Array, "n 4"]:
    """The spots as float64; raises for what cannot be calculated."""
    plan = np.asarray(spots, dtype=np.float64)
    if plan.ndim != 2 or plan.shape[1] != 4 or len(plan) == 0 or not np.isfinite(plan).all():
        remedy = "pass finite rows of (gantry_deg, x_bev_mm, z_bev_mm, energy_MeV)"
        raise InputError(f"spots of shape {plan.shape}, or not finite", where="influence", remedy=remedy)
    if not 0.5 <= kept < 1:
        raise RangeError(f"a lateral cut-off that keeps {kept:g}", where="influence", remedy="keep between 0.5 and 1 (not 1)")
    low = rsp.origin_mm - rsp.spacing_mm / 2
    outside = np.maximum(low - isocentre_mm, isocentre_mm - (low + rsp.spacing_mm * rsp.shape)).max()
    if not outside <= FAR_MM:
        remedy = "give the isocentre in LPS mm of the image's frame"
        raise GeometryError(f"an isocentre {outside:.0f} mm outside the grid", where="influence", remedy=remedy)
    return plan
