"""A plan of scanned proton beams as the standard states it: beams, energy layers, spots. DICOM PS3.3 A.49, C.8.8.25."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from gemel.core.errors import GeometryError, InputError, RangeError, UnitError
from gemel.core.image import Array

UNITS = ("NP", "MU")  # PrimaryDosimeterUnit: number of particles, monitor units
POSITIONS = ("HFS", "HFP", "FFS", "FFP")  # PatientPosition, without the lateral decubitus ones
PARALLEL_mm = 1e6  # stands for an infinite source distance, which the standard cannot say: 0.04 mm off at 200 mm depth and 200 mm aside
ABSENT = ("Wedges", "Compensators", "Boli", "Blocks", "LateralSpreadingDevices", "RangeModulators")  # devices that no beam here has


@dataclass(frozen=True)
class IonLayer:
    """Spots of one energy. `spots_mm` are ScanSpotPositionMap x, y: IEC 61217 gantry coordinates in the plane of the isocentre.

    `meterset` is what each spot gets in one fraction, in the plan's unit. `fwhm_mm` is ScanningSpotSize in air, empty when unknown;
    `tune` the ScanSpotTuneID.
    """

    energy_MeV: float
    spots_mm: Float32[Array, "n 2"]
    meterset: Float32[Array, "n"]
    fwhm_mm: tuple[float, ...] = ()
    tune: str = "1"

    def __post_init__(self) -> None:
        """Finite spots, metersets of 0 and above that are not all 0."""
        where, remedy = f"layer of {self.energy_MeV:g} MeV", "correct the spots; leave out a layer that gets nothing"
        if self.spots_mm.ndim != 2 or self.spots_mm.shape[1] != 2 or self.meterset.shape != self.spots_mm.shape[:1]:
            found = f"spots of shape {self.spots_mm.shape} and metersets of shape {self.meterset.shape}"
            raise GeometryError(found, where=where, remedy="give one (x, y) and one meterset a spot")
        if not (np.isfinite(self.spots_mm).all() and np.isfinite(self.meterset).all()) or not 0 < self.energy_MeV < np.inf:
            raise RangeError("a spot or an energy that is not finite and positive", where=where, remedy=remedy)
        if (self.meterset < 0).any() or not self.meterset.any():
            raise RangeError("a negative meterset, or none at all", where=where, remedy=remedy)
        if len(self.fwhm_mm) not in (0, 2):
            raise InputError(f"{len(self.fwhm_mm)} spot sizes", where=where, remedy="give the full widths along x and y, or none")


@dataclass(frozen=True)
class RangeShifter:
    """A plate that stays in the beam for all its layers. None: not stated. `isocentre_mm`: from its downstream edge to the isocentre."""

    name: str
    water_mm: float | None = None
    isocentre_mm: float | None = None


@dataclass(frozen=True)
class IonBeam:
    """One fixed beam without couch angle. `source_mm`: VirtualSourceAxisDistances x and y; infinite for a parallel beam."""

    number: int
    name: str
    gantry_deg: float
    isocentre_mm: tuple[float, float, float]
    layers: tuple[IonLayer, ...]
    source_mm: tuple[float, float]
    machine: str = ""
    range_shifter: RangeShifter | None = None
    snout: str = ""
    snout_mm: float | None = None

    def __post_init__(self) -> None:
        """A beam has layers, finite geometry and sources in front of the isocentre."""
        if not self.layers:
            raise InputError("a beam without layers", where=self.name, remedy="leave it out")
        if not np.isfinite([self.gantry_deg, *self.isocentre_mm]).all() or not min(self.source_mm) > 0:
            raise GeometryError("an angle, isocentre or source distance that is not finite", where=self.name, remedy="state it")

    @property
    def meterset(self) -> float:
        """BeamMeterset: the sum over all spots in one fraction."""
        return float(sum(layer.meterset.astype(np.float64).sum() for layer in self.layers))


@dataclass(frozen=True)
class Prescription:
    """One DoseReference: a dose over the whole course to an ROI of the structure set. `kind` is TARGET or ORGAN_AT_RISK.

    For a TARGET the dose is its TargetPrescriptionDose, for an ORGAN_AT_RISK its OrganAtRiskMaximumDose.
    """

    roi_number: int
    dose_Gy: float
    kind: str = "TARGET"
    description: str = ""


@dataclass(frozen=True)
class IonPlan:
    """Beams of one fraction group. `unit` is that of all metersets: NP (protons) or MU. `approval` is what a file said; never written."""

    label: str
    beams: tuple[IonBeam, ...]
    fractions: int
    unit: str = "NP"
    patient_position: str = "HFS"
    prescriptions: tuple[Prescription, ...] = ()
    structure_set_uid: str = ""
    approval: str = "UNAPPROVED"

    def __post_init__(self) -> None:
        """Known unit and position, at least one fraction, beam numbers of their own."""
        if self.unit not in UNITS:
            raise UnitError(f"metersets in {self.unit or 'no unit'}", where=self.label, remedy="state them in NP (protons) or MU")
        if self.patient_position not in POSITIONS:
            found = f"a patient in position {self.patient_position or 'not stated'}"
            raise GeometryError(found, where=self.label, remedy=f"plan for one of {', '.join(POSITIONS)}")
        if self.fractions < 1:
            raise RangeError(f"{self.fractions} fractions", where=self.label, remedy="plan one or more")
        _require_distinct(self.beams, self.label)


def _require_distinct(beams: Sequence[IonBeam], where: str) -> None:
    numbers = [beam.number for beam in beams]
    if len(set(numbers)) < len(numbers):
        raise InputError(f"beams numbered {numbers}", where=where, remedy="give each beam a number of its own")
