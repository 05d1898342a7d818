"""An energy-integrating detector: what it makes of a spectrum, and the noise of its signal."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gemel.core.errors import RangeError
from gemel.core.image import Array
from gemel.devices.ct.materials import attenuation_1_cm, material


@dataclass(frozen=True)
class Detector:
    """A scintillator behind a grid. `electronic_keV`: standard deviation of a reading without X-rays, as energy absorbed in the element;
    `fill`: share of the area that counts; `gain`: what the energy is multiplied with (it leaves the noise relative to the signal alone).

    400 keV are as much noise as 40 photons of 65 keV make among themselves: the order at which it matters on clinical scanners
    (Duan et al. 2013, AJR 201:W626), not a measured value of one; fit your own scanner's.
    """

    scintillator: str = "gadolinium oxysulphide"
    thickness_mm: float = 1.4
    fill: float = 0.8
    electronic_keV: float = 400.0
    gain: float = 1.0

    def __post_init__(self) -> None:
        if not (self.thickness_mm > 0 and 0 < self.fill <= 1 and self.electronic_keV >= 0 and self.gain > 0):
            raise RangeError(f"{self}", where="Detector", remedy="thickness and gain above 0, fill 0 to 1, electronic noise 0 or more")


IDEAL = Detector(thickness_mm=50.0, fill=1.0, electronic_keV=0.0)


def absorbed_share(detector: Detector, energy_keV: Float[Array, "e"]) -> Float[Array, "e"]:
    """η = fill · (1 − exp(−μ t)); characteristic X-rays of the scintillator are taken to stay in it."""
    mu = attenuation_1_cm(material(detector.scintillator), energy_keV)
    return np.asarray(detector.fill * -np.expm1(-mu * detector.thickness_mm / 10))


def response_keV(detector: Detector, energy_keV: Float[Array, "e"]) -> Float[Array, "e"]:
    """Mean signal of one photon that meets the detector, η(E) E g."""
    return np.asarray(absorbed_share(detector, energy_keV) * energy_keV * detector.gain)


def moments(
    detector: Detector, photons: Float[Array, "*rays e"], energy_keV: Float[Array, "e"]
) -> tuple[Float[Array, "*rays"], Float[Array, "*rays"]]:
    """Mean and variance of the signal of these mean numbers of photons: Σ N η E g and Σ N η (E g)² + (σ g)², the compound Poisson law.

    Whiting et al. 2006, Med Phys 33:3290, eq. 4 (each absorbed photon gives a signal proportional to its energy).
    """
    first = response_keV(detector, energy_keV)
    second = first * energy_keV * detector.gain
    return np.asarray(photons @ first), np.asarray(photons @ second + (detector.electronic_keV * detector.gain) ** 2)


def drawn(
    detector: Detector, photons: Float[Array, "*rays e"], energy_keV: Float[Array, "e"], *, rng: np.random.Generator
) -> Float[Array, "*rays"]:
    """One reading of each ray: Poisson numbers of absorbed photons by energy, summed as energy, and normal electronic noise."""
    counted = rng.poisson(photons * absorbed_share(detector, energy_keV)) @ energy_keV
    return np.asarray(detector.gain * (counted + detector.electronic_keV * rng.standard_normal(counted.shape)))
