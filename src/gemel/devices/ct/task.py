"""The lesion that has to be seen, and how well it is."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.special import j0

from gemel.core.errors import RangeError
from gemel.core.image import Array
from gemel.devices.ct.hu import ct_number_HU
from gemel.devices.ct.materials import iodinated, material
from gemel.devices.ct.texture import Texture
from gemel.engines.observers import disc_spectrum, eye_filter, non_prewhitening, prewhitening

OBSERVERS = ("npwe", "npw", "pw")
RADII = 200


@dataclass(frozen=True)
class Task:
    """A lesion: diameter, contrast (HU at every tube voltage) or iodine (mg/mL more than around it), place from the isocentre.

    A sphere is thinned by slices thicker than itself; a rod runs through the slice. Observers: npwe (eye), npw, pw (the ideal one).
    """

    diameter_mm: float
    contrast_HU: float = 0.0
    iodine_mg_mL: float = 0.0
    place_mm: tuple[float, float] = (0.0, 0.0)
    shape: str = "sphere"
    observer: str = "npwe"

    def __post_init__(self) -> None:
        if not 0 < self.diameter_mm <= 200:
            raise RangeError(f"a lesion of {self.diameter_mm:g} mm", where="Task", remedy="give a diameter in mm, above 0 and at most 200")
        if not (self.contrast_HU == 0) != (self.iodine_mg_mL == 0):
            raise RangeError(
                f"a contrast of {self.contrast_HU:g} HU and {self.iodine_mg_mL:g} mg/mL of iodine",
                where="Task",
                remedy="give one of them, not zero",
            )
        if self.shape not in ("sphere", "rod") or self.observer not in OBSERVERS:
            raise RangeError(
                f"shape {self.shape!r}, observer {self.observer!r}",
                where="Task",
                remedy=f"use sphere or rod; one of {', '.join(OBSERVERS)}",
            )


def contrast_HU(task: Task, energy_keV: Float[Array, "e"], weight: Float[Array, "e"], *, behind_water_cm: float) -> float:
    """The lesion's contrast for this spectrum: as given, or that of its iodine in water behind the patient."""
    if task.iodine_mg_mL == 0:
        return task.contrast_HU
    water = material("water")
    return ct_number_HU(iodinated(water, task.iodine_mg_mL), energy_keV, weight, behind_water_cm=behind_water_cm)


def lesion_spectrum_mm2(task: Task, f_1_mm: Float[Array, "f"], slice_mm: float) -> Float[Array, "f"]:
    """Fourier transform of the lesion of unit contrast, averaged over the slice through its middle."""
    if task.shape == "rod":
        return disc_spectrum(f_1_mm, task.diameter_mm)
    R = task.diameter_mm / 2
    r = (np.arange(RADII) + 0.5) * R / RADII
    share = np.minimum(2 * np.sqrt(R * R - r * r) / slice_mm, 1.0)
    return np.asarray(j0(2 * np.pi * np.outer(f_1_mm, r)) @ (2 * np.pi * r * share * R / RADII))


def unit_detectability(task: Task, texture: Texture, *, slice_mm: float, directions: Float[Array, "views"]) -> float:
    """d' for a contrast equal to the noise's standard deviation.

    Only the ideal observer gains from noise that differs by direction: its d'² grows by ⟨g⟩⟨1/g⟩, g the power by direction.
    """
    signal = lesion_spectrum_mm2(task, texture.f_1_mm, slice_mm) * texture.transfer
    if task.observer == "pw":
        seen = texture.unit_power_mm2 > 0
        d = prewhitening(signal[seen], texture.unit_power_mm2[seen], texture.ring_1_mm2[seen])
        return float(d * np.sqrt(_opposite(directions).mean() * (1 / _opposite(directions)).mean()))
    eye = eye_filter(texture.f_1_mm) if task.observer == "npwe" else None
    return float(non_prewhitening(signal, texture.unit_power_mm2, texture.ring_1_mm2, eye=eye))


def _opposite(directions: Float[Array, "views"]) -> Float[Array, "half"]:
    """Views half a turn apart bring the same direction of detail."""
    half = len(directions) // 2
    return np.asarray(directions[:half] + directions[half : 2 * half])
