"""A slab in the beam that takes range away, and what its scattering does over the air gap behind it."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from gemel.core.errors import GeometryError, RangeError
from gemel.core.image import Array
from gemel.engines.dose.beam_data import BeamData, Layer
from gemel.engines.dose.scattering import RADIATION_LENGTH_MM, Moments, slab_moments, spread_mm2

GAP_STEP_MM = 5.0  # air gaps are rounded to this, so that spots share tables; an error of 2.5 mm times the angle, below 0.1 mm


@dataclass(frozen=True)
class RangeShifter:
    """A slab of `wet_mm` of water whose face towards the patient lies `to_isocentre_mm` upstream of the isocentre.

    Its material is by default PMMA of 1.19 g/cm³: radiation length 40.55 g/cm² (Particle Data Group 2022), stopping power by the
    Bethe formula with I = 74 eV (ICRU Report 49, 1993).
    """

    wet_mm: float
    to_isocentre_mm: float
    relative_stopping_power: float = 1.158
    radiation_length_mm: float = 340.7

    def __post_init__(self) -> None:
        sizes = (self.to_isocentre_mm, self.relative_stopping_power, self.radiation_length_mm)
        if not (np.isfinite([self.wet_mm, *sizes]).all() and self.wet_mm >= 0 and min(sizes) > 0):
            found = f"a range shifter of {self.wet_mm:g} mm of water, {self.to_isocentre_mm:g} mm from the isocentre"
            raise RangeError(found, where="RangeShifter", remedy="thickness 0 or more, distance and material above 0, all finite")


@dataclass(frozen=True)
class ShiftedBeam:
    """A machine with a range shifter in its beam; taken wherever beam data are."""

    beam: BeamData
    range_shifter: RangeShifter


def beam_of(machine: BeamData | ShiftedBeam) -> BeamData:
    """The beam data without the shifter."""
    return machine.beam if isinstance(machine, ShiftedBeam) else machine


def shifter_of(machine: BeamData | ShiftedBeam) -> RangeShifter | None:
    """The shifter that has a thickness, or nothing."""
    return machine.range_shifter if isinstance(machine, ShiftedBeam) and machine.range_shifter.wet_mm > 0 else None


def wet_mm(machine: BeamData | ShiftedBeam) -> float:
    """Water-equivalent thickness in the beam before the patient."""
    shifter = shifter_of(machine)
    return shifter.wet_mm if shifter else 0.0


def air_gap_mm(shifter: RangeShifter, skin_mm: Float[Array, "s"]) -> Float[Array, "s"]:
    """From the shifter to the skin on each spot's ray, rounded to GAP_STEP_MM; `skin_mm` from the isocentre, upstream negative.

    Raises GeometryError where the shifter would be inside the patient.
    """
    gap_mm = shifter.to_isocentre_mm + skin_mm
    if gap_mm.min() < 0:
        found = f"a range shifter {-gap_mm.min():.0f} mm behind the skin"
        raise GeometryError(found, where="range shifter", remedy="raise to_isocentre_mm: the slab must stand clear of the patient")
    return np.asarray(GAP_STEP_MM * np.round(gap_mm / GAP_STEP_MM))


def behind(row: Layer, shifter: RangeShifter, gap_mm: float) -> Layer:
    """The tables of one energy as the patient meets them: less deep by the shifter, wider by its scattering over the gap.

    σ²(d) = σ_w²(W+d) + M(g+d) − M_w(d): M(L) = A2 + 2 A1 L + A0 L² are the Fermi–Eyges moments of the slab drifted over L (Gottschalk
    2010, Med Phys 37:352), M_w those of W of water, which the tables hold already. A slab of water on the skin changes nothing but the
    depth. Protons that nuclear reactions threw out of the slab are widened as the halo is: approximate beyond some cm of gap.
    Raises RangeError for an energy that does not pass the slab.
    """
    W = shifter.wet_mm
    if W == 0:
        return row
    if row.range_mm <= W:
        found = f"{row.energy_MeV:g} MeV ({row.range_mm:.0f} mm) in a range shifter of {W:g} mm"
        raise RangeError(found, where="range shifter", remedy="use higher energies or a thinner slab")
    deep_mm = np.concatenate([[W], row.depth_mm[row.depth_mm > W]])
    tables = (row.idd_Gy_mm2, row.sigma1_mm, row.sigma2_mm, row.weight2, row.let_keV_um)
    idd, core, halo, weight, let = (np.interp(deep_mm, row.depth_mm, table) for table in tables)
    added = _added_mm2(row.range_mm, shifter, gap_mm, deep_mm - W)
    core, halo = (np.sqrt(np.maximum(sigma**2 + added, 0.0)) for sigma in (core, halo))
    return replace(
        row,
        range_mm=row.range_mm - W,
        depth_mm=deep_mm - W,
        idd_Gy_mm2=idd,
        sigma1_mm=core,
        sigma2_mm=halo,
        weight2=weight,
        let_keV_um=let,
    )


def _added_mm2(range_mm: float, shifter: RangeShifter, gap_mm: float, depth_mm: Float[Array, "d"]) -> Float[Array, "d"]:
    """Variance beyond that of the same beam in water alone; depths past the range are held."""
    W, rsp = shifter.wet_mm, shifter.relative_stopping_power
    drift_mm = np.minimum(depth_mm, range_mm - W)
    slab = slab_moments(W / rsp, range_mm, rsp, shifter.radiation_length_mm)
    water: Moments = slab_moments(W, range_mm, 1.0, RADIATION_LENGTH_MM)
    return np.asarray(spread_mm2(slab, gap_mm + drift_mm) - spread_mm2(water, drift_mm))
