"""A cone-beam scanner on a treatment machine: distances, panel, tube, bowtie, exposure, scatter."""

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from jaxtyping import Bool, Float

from gemel.core.errors import RangeError
from gemel.core.image import Array
from gemel.devices.ct.bowtie import Bowtie, cylinder_bowtie, thickness_mm
from gemel.devices.ct.detector import Detector, response_keV
from gemel.devices.ct.hu import water_calibration
from gemel.devices.ct.materials import attenuation_1_cm, material
from gemel.devices.ct.tube import tungsten
from gemel.engines.project import Beam, Cone, Grid
from gemel.engines.project.geometry import fan_rad, v_mm

CENTRE_M = 1.0
"""Where `Spectrum` counts its photons: 1 m from the focal spot."""


@dataclass(frozen=True)
class Scatter:
    """Scattered over primary signal behind 30 cm of water (`ratio_30cm`, after the grid), its growth with thickness, and its spread.

    Ratios of 0.5 to 3 are found in pelves: Siewerdsen & Jaffray 2001, Med Phys 28:220. `wide_share` of it spreads by `wide_mm`.
    """

    ratio_30cm: float = 0.8
    power: float = 1.5
    narrow_mm: float = 40.0
    wide_mm: float = 120.0
    wide_share: float = 0.5

    def __post_init__(self) -> None:
        if self.ratio_30cm < 0 or min(self.power, self.narrow_mm, self.wide_mm) <= 0 or not 0 <= self.wide_share <= 1:
            raise RangeError(f"an impossible scatter {self!r}", where="Scatter", remedy="ratio 0 or more, sizes above 0, a share in [0, 1]")


@dataclass(frozen=True)
class Machine:
    """Round dimensions of a linear accelerator's imager with a displaced panel (half fan), 125 kVp; of no maker and fitted to none.

    `bin_mm`: side of a (binned) pixel on the panel. `offset_mm` displaces the panel along u: 0 is a full fan. `mAs` of the whole turn.
    """

    source_isocentre_mm: float = 1000.0
    source_detector_mm: float = 1500.0
    panel_mm: tuple[float, float] = (396.0, 297.0)
    offset_mm: float = 160.0
    bin_mm: float = 3.0
    views: int = 360
    kVp: float = 125.0
    anode_deg: float = 14.0
    filters_mm: tuple[tuple[str, float], ...] = (("aluminium", 2.7), ("titanium", 0.9))
    mAs: float = 1000.0
    bowtie: Bowtie = field(default_factory=lambda: cylinder_bowtie(40.0, 1000.0, share=0.7))
    detector: Detector = Detector("caesium iodide", 0.6, 0.7, 3000.0)
    scatter: Scatter = Scatter()

    def __post_init__(self) -> None:
        if min(self.bin_mm, *self.panel_mm, self.mAs) <= 0 or self.views < 1:
            raise RangeError(f"an impossible machine {self!r}", where="Machine", remedy="panel, pixel, mAs and views above 0")


GENERIC = Machine()


def cone_of(machine: Machine) -> Cone:
    """The machine's rays over one turn."""
    columns, rows = (max(int(side // machine.bin_mm), 1) for side in machine.panel_mm)
    angles = 2 * np.pi * np.arange(machine.views) / machine.views
    distances = (machine.source_isocentre_mm, machine.source_detector_mm)
    return Cone(*distances, columns, rows, machine.bin_mm, machine.bin_mm, angles, offset_u_mm=machine.offset_mm)


def beam_of(machine: Machine) -> tuple[Beam, Float[Array, "3 e"]]:
    """Photons and signal by energy in one pixel and view without bowtie, and μ (1/mm) of water, cortical bone and the bowtie's material."""
    spectrum = tungsten(machine.kVp, angle_deg=machine.anode_deg, filters_mm=machine.filters_mm)
    nearer = (1000.0 * CENTRE_M / machine.source_detector_mm) ** 2
    photons = spectrum.photons_cm2_mAs * nearer * (machine.bin_mm / 10) ** 2 * machine.mAs / machine.views
    names = ("water", "cortical bone", machine.bowtie.material)
    mu_1_mm = np.stack([attenuation_1_cm(material(name), spectrum.energy_keV) / 10 for name in names])
    return Beam(photons, response_keV(machine.detector, spectrum.energy_keV)), mu_1_mm


def bowtie_mm(machine: Machine) -> Float[Array, "u"]:
    """The bowtie's thickness on the rays to each column."""
    return thickness_mm(machine.bowtie, fan_rad(cone_of(machine)))


@lru_cache(maxsize=8)
def calibration(machine: Machine) -> tuple[tuple[float, ...], ...]:
    """For each column the polynomial from −ln(I/I₀) to centimetres of water behind its part of the bowtie, coefficients from p¹."""
    beam, mu_1_mm = beam_of(machine)
    energy_keV = tungsten(machine.kVp, angle_deg=machine.anode_deg).energy_keV
    open_signal = beam.photons * beam.response
    return tuple(
        tuple(water_calibration(energy_keV, open_signal * np.exp(-mu_1_mm[2] * t)).coefficients.tolist()) for t in bowtie_mm(machine)
    )


def field_radius_mm(machine: Machine) -> float:
    """Radius of the cylinder that the turn sees."""
    edge = 0.5 * machine.panel_mm[0] + abs(machine.offset_mm)
    return float(machine.source_isocentre_mm * np.sin(np.arctan(edge / machine.source_detector_mm)))


def half_height_mm(machine: Machine) -> float:
    """Half of the panel's height, seen at the isocentre."""
    return float(v_mm(cone_of(machine))[-1] * machine.source_isocentre_mm / machine.source_detector_mm)


def seen(grid: Grid, machine: Machine) -> Bool[Array, "x y z"]:
    """Voxels that every view of the turn sees: r within the field, |z| below the panel's half height less the cone's loss, h(1 − r/R)."""
    x, y, z = (first + step * np.arange(n) for first, step, n in zip(grid.first_mm, grid.spacing_mm, grid.shape))
    r = np.hypot(x[:, None], y)[..., None]
    height = half_height_mm(machine) * (1 - r / machine.source_isocentre_mm)
    return np.asarray((r <= field_radius_mm(machine)) & (np.abs(z) <= height))
