"""Tube spectra of SpekPy, for those who have it installed: another source beside the tube's own model."""

import numpy as np
import spekpy  # type: ignore[import-not-found,import-untyped,unused-ignore]

from gemel.devices.ct.spectrum import Spectrum, filtered
from gemel.devices.ct.tube import require_tube

INHERENT_AL_MM = 0.01
"""SpekPy gives a spectrum behind some filter; this much is nothing."""


def spekpy_spectrum(kVp: float, *, angle_deg: float = 7.0, filters_mm: tuple[tuple[str, float], ...] = ()) -> Spectrum:
    """As `tungsten`, by the model of Bujila, Omar & Poludniowski 2020, Phys Med 75:44; filters are gemel's. Raises as `tungsten`."""
    require_tube(kVp, angle_deg)
    tube = spekpy.Spek(kvp=kVp, th=angle_deg, dk=1.0, z=100)
    tube.filter("Al", INHERENT_AL_MM)
    energy, per_keV = tube.get_spectrum(edges=False)
    held = energy >= 1.0
    return filtered(Spectrum(np.asarray(energy[held]), np.asarray(per_keV[held])), filters_mm)
