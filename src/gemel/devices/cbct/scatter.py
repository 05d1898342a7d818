"""Scattered signal on the panel, by superposition of kernels whose strength follows the thickness behind each pixel."""

import numpy as np
from jaxtyping import Float, Float32
from scipy import ndimage

from gemel.core.image import Array
from gemel.devices.cbct.machine import Machine

COARSE_MM = 12.0
"""Scatter is smooth: it is spread on pixels of this size."""
REFERENCE_CM = 30.0


def scattered(primary: Float32[Array, "views v u"], water_cm: Float32[Array, "views v u"], machine: Machine) -> Float32[Array, "views v u"]:
    """S = Σ_i w_i G(σ_i) ⊗ [P·k (t/30 cm)^n], k the ratio behind 30 cm; edges of the panel are carried on.

    Kernel superposition: Ohnesorge, Flohr & Klingenbeck-Regn 1999, Eur Radiol 9:563; Sun & Star-Lack 2010, Phys Med Biol 55:6695.
    First order in the primary: what reaches a pixel came through the tissue near its own ray.
    """
    model = machine.scatter
    every = max(int(COARSE_MM // machine.bin_mm), 1)
    strength = model.ratio_30cm * (np.maximum(water_cm, 0.0) / REFERENCE_CM) ** model.power
    source = coarser(primary * strength, every)
    out = np.zeros_like(source)
    for share, width_mm in ((1 - model.wide_share, model.narrow_mm), (model.wide_share, model.wide_mm)):
        sigma = width_mm / (every * machine.bin_mm)
        out += np.float32(share) * ndimage.gaussian_filter(source, (0, sigma, sigma), mode="nearest")
    return finer(out, primary.shape, every)


def ratio(scatter: Float[Array, "*rays"], primary: Float[Array, "*rays"], water_cm: Float[Array, "*rays"]) -> float:
    """Median of scattered over primary signal behind at least 20 cm of water, the number that a scan states; 0 when no ray is that long."""
    thick = water_cm > 20.0
    return float(np.median(scatter[thick] / primary[thick])) if thick.any() else 0.0


def coarser(values: Float32[Array, "views v u"], every: int) -> Float32[Array, "views i j"]:
    """Means over blocks, the last rows and columns carried on."""
    missing = [-n % every for n in values.shape[1:]]
    padded = np.pad(values, ((0, 0), (0, missing[0]), (0, missing[1])), mode="edge")
    views, nv, nu = padded.shape
    return padded.reshape(views, nv // every, every, nu // every, every).mean(axis=(2, 4), dtype=np.float32)


def finer(values: Float32[Array, "views i j"], shape: tuple[int, ...], every: int) -> Float32[Array, "views v u"]:
    """Linear between the blocks' centres."""
    for axis in (1, 2):
        place = np.clip((np.arange(shape[axis]) + 0.5) / every - 0.5, 0, values.shape[axis] - 1)
        low = np.minimum(place.astype(np.int64), max(values.shape[axis] - 2, 0))
        high = np.minimum(low + 1, values.shape[axis] - 1)
        part = (place - low).astype(np.float32)
        part = part.reshape([-1 if a == axis else 1 for a in range(3)])
        values = np.take(values, low, axis=axis) * (1 - part) + np.take(values, high, axis=axis) * part
    return np.asarray(values, dtype=np.float32)
