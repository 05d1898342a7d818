"""The bowtie: a filter that is thick where the patient is thin."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gemel.core.errors import RangeError
from gemel.core.image import Array
from gemel.devices.ct.materials import attenuation_1_cm
from gemel.devices.ct.materials import material as material_of

MEAN_KEV = 60.0


@dataclass(frozen=True)
class Bowtie:
    """Thickness of a filter (mm of `material` along the ray) by fan angle; straight between points, held beyond, even in the angle."""

    material: str
    fan_rad: tuple[float, ...]
    thickness_mm: tuple[float, ...]

    def __post_init__(self) -> None:
        rising = all(a < b for a, b in zip(self.fan_rad, self.fan_rad[1:]))
        if len(self.fan_rad) != len(self.thickness_mm) or not self.fan_rad or not rising or min(self.thickness_mm) < 0:
            raise RangeError(
                "a bowtie whose angles do not rise, or with negative thickness",
                where="Bowtie",
                remedy="give one thickness an angle from 0 up",
            )


NONE = Bowtie("aluminium", (0.0,), (0.0,))


def cylinder_bowtie(diameter_cm: float, source_isocentre_mm: float, *, material: str = "aluminium", share: float = 1.0) -> Bowtie:
    """The bowtie that lets a centred water cylinder look flat: t(γ) ∝ 2 (R − √(R² − d² sin²γ)), in millimetres of `material`.

    `share` 1 makes up for the whole of the missing water at 60 keV, the mean energy of 120 kVp.
    """
    if not (diameter_cm > 0 and 0 <= share <= 1):
        raise RangeError(
            f"a cylinder of {diameter_cm:g} cm, share {share:g}", where="cylinder_bowtie", remedy="use a positive diameter, share 0 to 1"
        )
    radius = diameter_cm * 5
    gamma = np.linspace(0.0, np.arcsin(min(0.999, radius / source_isocentre_mm)), 41)
    chord = 2 * np.sqrt(np.maximum(radius**2 - (source_isocentre_mm * np.sin(gamma)) ** 2, 0.0))
    missing = share * _water_per_mm(material) * (2 * radius - chord)
    return Bowtie(material, tuple(gamma.tolist()), tuple(missing.tolist()))


def _water_per_mm(name: str) -> float:
    """Millimetres of the material that attenuate as one of water does."""
    of = [float(attenuation_1_cm(material_of(m), np.array([MEAN_KEV]))[0]) for m in ("water", name)]
    return of[0] / of[1]


def thickness_mm(bowtie: Bowtie, fan_rad: Float[Array, "u"]) -> Float[Array, "u"]:
    """Millimetres of the bowtie's material on rays at these fan angles."""
    return np.asarray(np.interp(np.abs(fan_rad), bowtie.fan_rad, bowtie.thickness_mm))
