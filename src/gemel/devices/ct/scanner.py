"""A CT scanner as the model knows it: tube, bowtie, detector, gantry, kernels, output."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gemel.core.errors import RangeError
from gemel.devices.ct.bowtie import Bowtie, cylinder_bowtie
from gemel.devices.ct.detector import Detector
from gemel.devices.ct.dose import Output
from gemel.devices.ct.spectrum import Spectrum
from gemel.devices.ct.tube import tungsten
from gemel.engines.project import Fan, Ramp

Source = Callable[..., Spectrum]
"""Photons at 1 m by (kVp, angle_deg=…, filters_mm=…): `tungsten`, or `spekpy_source.spekpy_spectrum`."""


@dataclass(frozen=True)
class Tube:
    """Anode angle, flat filters in the beam's path as (material, mm), the focal spot's width across the detector, and whose spectra."""

    angle_deg: float = 7.0
    filters_mm: tuple[tuple[str, float], ...] = (("aluminium", 6.0),)
    focal_spot_mm: float = 1.0
    source: Source = tungsten


@dataclass(frozen=True)
class Gantry:
    """Distances, columns of the curved detector and their width on it, a row's width at the isocentre, views of a rotation."""

    source_isocentre_mm: float = 570.0
    source_detector_mm: float = 1040.0
    columns: int = 888
    column_mm: float = 1.024
    row_mm: float = 0.6
    views: int = 984


@dataclass(frozen=True)
class Scanner:
    """`scatter_1_cm`: scattered over primary signal that passes the grid, per centimetre of water (0.3 % a cm: 10 % behind 33 cm,
    the order of Engel, Herrmann & Zeitler 2008, Med Phys 35:318). Kernels: name and ramp, softest first.
    """

    name: str
    version: str
    tube: Tube
    bowtie: Bowtie
    detector: Detector
    gantry: Gantry
    output: Output
    kernels: tuple[tuple[str, Ramp], ...]
    scatter_1_cm: float = 0.003
    calibrated_on: str = ""


def generic() -> Scanner:
    """A third-generation scanner of no maker: round published dimensions, not fitted to any machine; say so wherever it is used.

    Its bowtie makes up for 0.3 of a 30 cm cylinder: CTDIvol then is twice as high in 16 as in 32 cm, and in 32 cm half as high in its
    middle as at the edge (`organs.ctdi_mGy`), as on the scanners behind AAPM Report 204 (2011).
    """
    gantry = Gantry()
    kernels = (
        ("smooth", Ramp("hann", 0.45)),
        ("soft", Ramp("hann", 0.7)),
        ("standard", Ramp("hann", 1.0)),
        ("sharp", Ramp("ram-lak", 1.0)),
    )
    bowtie = cylinder_bowtie(30.0, gantry.source_isocentre_mm, share=0.3)
    return Scanner("generic third-generation CT", "1", Tube(), bowtie, Detector(), gantry, Output(), kernels)


def kernel_of(scanner: Scanner, name: str) -> Ramp:
    """The ramp of a kernel; raises RangeError for a name that the scanner lacks."""
    known = dict(scanner.kernels)
    if name not in known:
        raise RangeError(f"a kernel named {name!r}", where=scanner.name, remedy=f"use one of {', '.join(known)}")
    return known[name]


def beam_spectrum(scanner: Scanner, kVp: float) -> Spectrum:
    """Photons of the scanner's tube behind its flat filters, at 1 m."""
    return scanner.tube.source(kVp, angle_deg=scanner.tube.angle_deg, filters_mm=scanner.tube.filters_mm)


def coarse_fan(scanner: Scanner, *, views: int, columns: int) -> Fan:
    """The scanner's fan with fewer and wider columns and fewer views over one rotation: enough for what varies slowly."""
    gantry = scanner.gantry
    angles = 2 * np.pi * np.arange(views) / views
    width = gantry.columns * gantry.column_mm / columns
    return Fan(gantry.source_isocentre_mm, gantry.source_detector_mm, columns, width, angles, curved=True)


def column_rad(scanner: Scanner) -> float:
    """Angle between columns, seen from the source."""
    return scanner.gantry.column_mm / scanner.gantry.source_detector_mm


def field_radius_mm(scanner: Scanner) -> float:
    """Radius of the circle that every view sees."""
    gantry = scanner.gantry
    return float(gantry.source_isocentre_mm * np.sin(gantry.columns * gantry.column_mm / 2 / gantry.source_detector_mm))
