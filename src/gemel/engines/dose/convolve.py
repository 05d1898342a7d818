"""Dose of an activity map by convolution with a voxel kernel."""

import os

import numpy as np
from jaxtyping import Float32, Shaped
from scipy import fft

from gemel.core.errors import GeometryError, RangeError
from gemel.core.image import Array

WHERE = "convolution"
LEAST_G_CM3, MOST_G_CM3 = 0.05, 3.5
"""Densities between inflated lung and tooth enamel: outside them a kernel scaled by density says nothing."""


def dose_map(
    decays_Bq_s: Shaped[Array, "..."],
    kernel_Gy: Shaped[Array, "..."],
    *,
    density_g_cm3: Shaped[Array, "..."] | None = None,
    kernel_density_g_cm3: float = 1.03,
) -> Float32[Array, "x y z"]:
    """Dose (Gy), float32, of decays by voxel (Bq s) with the kernel of `voxel_kernel` for voxels of the same size.

    D = (Ã ∗ K) ρ_K / ρ: with a density by voxel the energy of the kernel is kept and shared by each voxel's own mass; what lies beyond the
    image gives nothing. Limits: exact for radiation that stays in its voxel and in uniform media. The range is that of the kernel's medium:
    within an electron's range of lung or bone (2 mm for Lu-177, 11 mm for Y-90, in soft tissue; four times as far in lung) doses are wrong,
    in the first 3 mm of lung beside Y-90 by a factor of 2.4, and photons do not see the densities between: use `decay_monte_carlo` there.
    Raises RangeError for NaN, negative decays and densities outside 0.05 to 3.5 g/cm³; GeometryError for shapes that do not fit.
    """
    activity = _activity(decays_Bq_s)
    dose = convolved(activity, kernel_Gy)
    np.maximum(dose, 0.0, out=dose)
    if density_g_cm3 is None:
        return dose
    return dose * (np.float32(kernel_density_g_cm3) / _density(density_g_cm3, dose.shape))


def convolved(activity: Shaped[Array, "..."], kernel: Shaped[Array, "..."]) -> Float32[Array, "x y z"]:
    """(Ã ∗ K) where Ã is given, zero beyond it, in float32: error under 1e-6 of the largest value.

    By real Fourier transforms, axis after axis, of the part that is not zero; the kernel is even along each axis, so that its transform is
    real and comes of cosine transforms of one octant (DCT-I). Raises GeometryError for a kernel that is not an odd, even-symmetric block.
    """
    octant = _octant(np.asarray(kernel))
    found = np.ascontiguousarray(activity, dtype=np.float32)
    size = [fft.next_fast_len(n + len_ - 1, real=True) for n, len_ in zip(found.shape, octant.shape)]
    size = [n + n % 2 for n in size]
    workers = os.cpu_count() or 1
    spectrum = _forward(found, size, workers)
    spectrum *= _transfer(octant, size, workers)
    return _backward(spectrum, (found.shape[0], found.shape[1], found.shape[2]), size, workers)


def source_mean_Gy(
    dose_Gy: Shaped[Array, "..."], fraction: Shaped[Array, "..."], *, density_g_cm3: Shaped[Array, "..."] | None = None
) -> float:
    """Mean dose to the mass of a volume, Σ f ρ D / Σ f ρ, f the fraction of each voxel that is in it: edge voxels count by their part.

    Counting whole edge voxels reads a source of some millilitres 10 to 17 % low. Raises RangeError for fractions outside 0 to 1 or all 0.
    """
    part = np.asarray(fraction, dtype=np.float64)
    if part.shape != dose_Gy.shape:
        raise GeometryError(f"fractions of shape {part.shape} for a dose of {dose_Gy.shape}", where=WHERE, remedy="give both on one grid")
    if not (np.isfinite(part).all() and part.min() >= 0 and part.max() <= 1 and part.any()):
        raise RangeError(f"fractions from {part.min():g} to {part.max():g}", where=WHERE, remedy="give 0 to 1, somewhere above 0")
    mass = part if density_g_cm3 is None else part * _density(density_g_cm3, dose_Gy.shape)
    return float((mass * dose_Gy).sum() / mass.sum())


def recovered_mean_Gy(decays_Bq_s: float, kernel_Gy: Shaped[Array, "..."], fraction: Shaped[Array, "..."]) -> float:
    """Self-dose of a volume with an even source, its edge voxels undone: ⟨f, f ∗ K⟩ over the part of f ∗ f that whole voxels would keep.

    Voxels spread source and target over whole edge voxels, so that ⟨f, f⟩ < Σ f: what stays in its own voxel is read low by ⟨f, f⟩/Σ f.
    The self-voxel's part is put right by that ratio, the part that leaves a voxel is kept. Same errors as `source_mean_Gy`.
    """
    part = np.asarray(fraction, dtype=np.float64)
    dose = convolved(part, kernel_Gy).astype(np.float64)
    total, middle = float(part.sum()), float(np.asarray(kernel_Gy)[tuple(n // 2 for n in np.shape(kernel_Gy))])
    whole = source_mean_Gy(dose, part) + middle * (1 - float((part * part).sum()) / total)
    return whole * decays_Bq_s / total


def _forward(found: Float32[Array, "x y z"], size: list[int], workers: int) -> Shaped[Array, "i j k"]:
    last = fft.rfft(found, size[2], axis=2, workers=workers)
    middle = fft.fft(last, size[1], axis=1, workers=workers, overwrite_x=True)
    return np.asarray(fft.fft(middle, size[0], axis=0, workers=workers, overwrite_x=True))


def _backward(spectrum: Shaped[Array, "i j k"], shape: tuple[int, int, int], size: list[int], workers: int) -> Float32[Array, "x y z"]:
    first = fft.ifft(spectrum, axis=0, workers=workers, overwrite_x=True)[: shape[0]]
    middle = fft.ifft(first, axis=1, workers=workers, overwrite_x=True)[:, : shape[1]]
    return np.ascontiguousarray(fft.irfft(middle, size[2], axis=2, workers=workers)[:, :, : shape[2]])


def _transfer(octant: Float32[Array, "a b c"], size: list[int], workers: int) -> Float32[Array, "i j k"]:
    """Transform of the kernel at the frequencies of `_forward`: its octant, zero beyond, by DCT-I; mirrored along the first two axes."""
    half = [n // 2 + 1 for n in size]
    found = octant
    for axis in (2, 1, 0):
        found = fft.dct(found, type=1, n=half[axis], axis=axis, workers=workers, overwrite_x=axis != 2)
    for axis in (1, 0):
        frequency = np.arange(size[axis])
        found = np.take(found, np.minimum(frequency, size[axis] - frequency), axis=axis)
    return np.asarray(found)


def _octant(kernel: Shaped[Array, "..."]) -> Float32[Array, "a b c"]:
    shape = kernel.shape
    if kernel.ndim != 3 or any(n % 2 == 0 for n in shape):
        raise GeometryError(f"a kernel of shape {shape}", where=WHERE, remedy="give a block with an odd number of voxels along each axis")
    if not np.isfinite(kernel).all():
        raise RangeError("a kernel that is not finite", where=WHERE, remedy="make it with voxel_kernel")
    if any(not np.array_equal(kernel, np.flip(kernel, axis)) for axis in range(3)):
        raise GeometryError("a kernel that is not the same on both sides", where=WHERE, remedy="make it with voxel_kernel")
    a, b, c = (n // 2 for n in shape)
    return np.asarray(kernel[a:, b:, c:], dtype=np.float32)


def _activity(decays_Bq_s: Shaped[Array, "..."]) -> Float32[Array, "x y z"]:
    found = np.asarray(decays_Bq_s, dtype=np.float32)
    if found.ndim != 3 or found.size == 0:
        raise GeometryError(f"decays of shape {found.shape}", where=WHERE, remedy="pass one volume as (x, y, z)")
    least, most = float(found.min()), float(found.max())
    if not np.isfinite([least, most]).all():
        raise RangeError(
            "decays that are not finite", where=WHERE, remedy="find the voxels without a fit, and set them to 0 where that is true"
        )
    if least < 0:
        raise RangeError(f"decays of {least:g} Bq s", where=WHERE, remedy="negative activity is noise or a bad fit: cut it off at 0 first")
    return found


def _density(density_g_cm3: Shaped[Array, "..."], shape: tuple[int, ...]) -> Float32[Array, "x y z"]:
    found = np.asarray(density_g_cm3, dtype=np.float32)
    if found.shape != shape:
        raise GeometryError(
            f"densities of shape {found.shape} for {shape}", where=WHERE, remedy="resample the density onto the activity's grid"
        )
    least, most = float(found.min()), float(found.max())
    if not (least >= LEAST_G_CM3 and most <= MOST_G_CM3):
        remedy = f"hold air at {LEAST_G_CM3} and metal at {MOST_G_CM3} g/cm³, and do not read doses there"
        raise RangeError(f"densities of {least:g} to {most:g} g/cm³", where=WHERE, remedy=remedy)
    return found
