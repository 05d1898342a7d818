"""What a protocol would give on a slice: noise, detectability, dose and warnings, in milliseconds once the slice is traced."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gemel.core.errors import RangeError
from gemel.core.image import Array
from gemel.devices.ct.anatomy import Anatomy
from gemel.devices.ct.detector import response_keV
from gemel.devices.ct.dose import ctdivol_mGy, ssde
from gemel.devices.ct.exposure import Exposure, expose, seen_from
from gemel.devices.ct.noise import directional_variance, exposures, noise_sd
from gemel.devices.ct.protocol import Protocol
from gemel.devices.ct.scanner import Scanner
from gemel.devices.ct.task import Task, contrast_HU, unit_detectability
from gemel.devices.ct.texture import texture

STARVED_QUANTA = 50.0
"""Below, the variance of a logarithm is no longer 1/N within 3 %: tests/unit/devices/ct/test_slice_model.py."""
MISCENTRED_MM = 20.0
"""Half of what costs 10 to 20 % of noise or dose on scanners with a bowtie (Toth, Ge & Daly 2007, Med Phys 34:3093)."""


@dataclass(frozen=True)
class Flag:
    """A warning: what is wrong and what it was."""

    kind: str
    text: str


@dataclass(frozen=True)
class SliceForecast:
    """Noise (HU) at the lesion, its contrast (HU) and detectability, CTDIvol and SSDE (mGy; NaN outside the fit's range), warnings."""

    protocol: Protocol
    scanner: str
    sd_HU: float
    contrast_HU: float
    detectability: float
    ctdivol_mGy: float
    ssde_mGy: float
    flags: tuple[Flag, ...]


def slice_model(anatomy: Anatomy, scanner: Scanner, *, protocol: Protocol, task: Task, exposure: Exposure | None = None) -> SliceForecast:
    """Noise, d', dose and flags of one protocol; pass the `exposure` of this tube voltage to share it between protocols.

    d' = |contrast| d'₁/σ, d'₁ that of a contrast of one standard deviation (`unit_detectability`). Raises as `noise_sd` and `Protocol` do.
    """
    shot = exposure if exposure is not None else expose(anatomy, scanner, protocol.kVp)
    place, kernel = np.array([task.place_mm]), texture(scanner, protocol.kernel)
    by_view = directional_variance(anatomy, shot, scanner=scanner, protocol=protocol, points_mm=place)[0]
    sd = float(np.sqrt(by_view.mean() * kernel.gain))
    weight = shot.spectrum.photons_cm2_mAs * response_keV(scanner.detector, shot.spectrum.energy_keV)
    contrast = contrast_HU(task, shot.spectrum.energy_keV, weight, behind_water_cm=_behind_cm(anatomy, place))
    d = abs(contrast) / sd * unit_detectability(task, kernel, slice_mm=protocol.slice_mm, directions=by_view)
    index = ctdivol_mGy(scanner.output, kVp=protocol.kVp, mAs=protocol.mAs, pitch=protocol.pitch)
    flags = _flags(anatomy, shot, scanner, protocol)
    try:
        sized = ssde(index, anatomy.diameter_cm, scanner.output.phantom_cm)
    except RangeError as refused:
        sized, flags = float("nan"), (*flags, Flag("size", str(refused)))
    return SliceForecast(protocol, f"{scanner.name} {scanner.version}", sd, contrast, d, index, sized, flags)


def noise_map_HU(
    anatomy: Anatomy,
    scanner: Scanner,
    *,
    protocol: Protocol,
    extent_mm: float,
    points: int = 48,
    exposure: Exposure | None = None,
) -> Float[Array, "x y"]:
    """Noise on a square of points × points about the isocentre, `extent_mm` wide."""
    axis = (np.arange(points) + 0.5) * extent_mm / points - extent_mm / 2
    x, y = np.meshgrid(axis, axis, indexing="ij")
    where = np.stack([x.ravel(), y.ravel()], axis=1)
    return noise_sd(anatomy, scanner, protocol=protocol, points_mm=where, exposure=exposure).reshape(points, points)


def _behind_cm(anatomy: Anatomy, place_mm: Float[Array, "1 2"]) -> float:
    """Mean water on the rays through the lesion."""
    lines, _ = seen_from(anatomy.fan, place_mm, anatomy.lines_cm[..., 0])
    return float(np.nanmean(lines))


def _flags(anatomy: Anatomy, exposure: Exposure, scanner: Scanner, protocol: Protocol) -> tuple[Flag, ...]:
    found = []
    given, readings = exposures(exposure, scanner, protocol)
    quantum = exposure.quantum_cm2 / given[:, None]
    share = quantum / (quantum + exposure.electronic_cm2 * readings / given[:, None] ** 2)
    least = float((exposure.quanta * given[:, None] * share).min())
    if least < STARVED_QUANTA:
        found.append(
            Flag("starvation", f"a ray worth {least:.1f} quanta (fewer than {STARVED_QUANTA:g}): more mAs or kVp, arms up, thicker slices")
        )
    if anatomy.truncated:
        found.append(Flag("truncation", "the body reaches beyond the field of view: HU and dose near the edge are not reliable"))
    off = float(np.hypot(*anatomy.centre_mm))
    if off > MISCENTRED_MM:
        found.append(Flag("miscentring", f"the body's middle is {off:.0f} mm from the isocentre: raise or lower the table"))
    return tuple(found)
