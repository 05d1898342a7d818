"""Self-dose of organs: scaled by mass from a reference, or computed as that of a sphere."""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import numpy as np

from gemel.core.errors import RangeError
from gemel.core.number import number
from gemel.engines.dose.kernel.sphere import sphere_S


def rescaled_S(particle_S: float, photon_S: float = 0.0, *, reference_g: float, mass_g: float) -> float:
    """S of an organ of another mass: particles by m_ref/m (all absorbed in it), photons by (m_ref/m)^⅔; in the unit of the arguments.

    Snyder 1970, in: Medical Radionuclides, AEC Symp Ser 20. Raises RangeError for masses that are not above 0 and S values below 0.
    """
    values = (number(particle_S, "particle_S"), number(photon_S, "photon_S"))
    if not (np.isfinite(values).all() and min(values) >= 0):
        raise RangeError(f"S values {values}", where="rescaled_S", remedy="give 0 or more")
    masses_g = (number(reference_g, "reference_g"), number(mass_g, "mass_g"))
    if not (np.isfinite(masses_g).all() and min(masses_g) > 0):
        raise RangeError(f"masses of {reference_g!r} and {mass_g!r} g", where="rescaled_S", remedy="give masses above 0")
    ratio = masses_g[0] / masses_g[1]
    return values[0] * ratio + values[1] * ratio ** (2 / 3)


def organ_S(
    nuclide: str, organ: str, *, mass_g: float = 0.0, daughters: bool = False, relocated: float | Mapping[str, float] = 0.0
) -> float:
    """Self-dose of an adult's organ, Gy/(Bq s), as that of a sphere of its mass: `reference_mass_g`, or `mass_g`.

    An organ that is flat or long absorbs less of the photons than a sphere; for Lu-177 and heavier organs than 10 g that is 3 % of S or
    less. Cross-doses are not in it: they are the voxel kernel's. Raises RangeError for an unknown organ.
    """
    reference_g, own_g = reference_mass_g(organ), number(mass_g, "mass_g")
    return sphere_S(nuclide, own_g or reference_g, daughters=daughters, relocated=relocated)


def reference_mass_g(organ: str) -> float:
    """Mass of an organ of the reference adult male, ICRP Publication 89 (2002), table 2.8. Raises RangeError naming the organs known."""
    masses = _masses()
    if not isinstance(organ, str) or organ not in masses:
        raise RangeError(f"an organ named {organ!r}", where="organ_S", remedy=f"use one of {', '.join(masses)}, or sphere_S with a mass")
    return masses[organ]


@cache
def _masses() -> Mapping[str, float]:
    data = json.loads(files("gemel.engines.dose.kernel").joinpath("organ_masses.json").read_text(encoding="utf-8"))
    return {str(name): float(mass) for name, mass in data["mass_g"].items()}
