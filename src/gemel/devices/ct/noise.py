"""Noise of the image at any place of a slice, from the rays' counts, without a reconstruction."""

import numpy as np
from jaxtyping import Float

from gemel.core.errors import GeometryError
from gemel.core.image import Array
from gemel.devices.ct.anatomy import Anatomy
from gemel.devices.ct.exposure import Exposure, expose, seen_from
from gemel.devices.ct.modulation import modulated
from gemel.devices.ct.protocol import Protocol
from gemel.devices.ct.scanner import Scanner, column_rad
from gemel.devices.ct.texture import texture

CENTRE_MM = np.zeros((1, 2))


def noise_sd(
    anatomy: Anatomy,
    scanner: Scanner,
    *,
    protocol: Protocol,
    points_mm: Float[Array, "n 2"] = CENTRE_MM,
    exposure: Exposure | None = None,
) -> Float[Array, "n"]:
    """Standard deviation (HU) at points of the slice, mm from the isocentre, for filtered back-projection of the fan.

    σ² = 1000² (2π)²/(4N) g/Δγ² ⟨R² cos²γ/L⁴ V⟩ over views, V the variance of the water thickness on the ray through the point: Kak & Slaney
    1988, eq. 3.92 and ch. 5, with V taken as even over the width of the filter; g of `texture`. Helical scans count mAs/pitch.
    Pass the `exposure` of this tube voltage to share it between protocols. Raises GeometryError for points that some view does not see.
    """
    shot = exposure if exposure is not None else expose(anatomy, scanner, protocol.kVp)
    variance = directional_variance(anatomy, shot, scanner=scanner, protocol=protocol, points_mm=points_mm).mean(axis=1)
    return np.asarray(np.sqrt(variance * texture(scanner, protocol.kernel).gain))


def directional_variance(
    anatomy: Anatomy, exposure: Exposure, *, scanner: Scanner, protocol: Protocol, points_mm: Float[Array, "n 2"]
) -> Float[Array, "n views"]:
    """What each view adds to σ²/g (HU²), times the number of views."""
    fan, N = anatomy.fan, scanner.gantry.views
    given, readings = exposures(exposure, scanner, protocol)
    ray = exposure.quantum_cm2 / given[:, None] + exposure.electronic_cm2 * readings / given[:, None] ** 2
    V, L_cm = seen_from(fan, points_mm, ray)
    if not np.isfinite(V).all():
        raise GeometryError(
            "points that some view does not see", where="noise_sd", remedy="ask inside the field of view; centre the patient"
        )
    R_cm = fan.source_isocentre_mm / 10
    cosine = _cosine(fan.source_isocentre_mm, points_mm, L_cm)
    return np.asarray(1e6 * np.pi**2 / N / column_rad(scanner) ** 2 * (R_cm * cosine) ** 2 / L_cm**4 * V)


def exposures(exposure: Exposure, scanner: Scanner, protocol: Protocol) -> tuple[Float[Array, "views"], float]:
    """mAs × mm of slice that one of the scanner's views has in each of the coarse views, and how many readings of a column make it up.

    The current follows the thickest ray of each view (what a localiser shows of it) with the protocol's strength.
    """
    current = modulated(exposure.attenuation.max(axis=1), strength=protocol.modulation)
    whole = protocol.mAs / protocol.pitch / scanner.gantry.views * protocol.slice_mm
    return current * whole, protocol.slice_mm / scanner.gantry.row_mm / protocol.pitch


def _cosine(source_isocentre_mm: float, points_mm: Float[Array, "n 2"], L_cm: Float[Array, "n views"]) -> Float[Array, "n views"]:
    """cos γ by the law of cosines: (R² + L² − r²)/(2 R L)."""
    R, L, r2 = source_isocentre_mm, L_cm * 10, (points_mm**2).sum(axis=1)[:, None]
    return np.asarray((R * R + L * L - r2) / (2 * R * L))
