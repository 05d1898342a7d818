"""A vendor's reconstruction as it is seen from outside: resolution by contrast, noise by dose, fitted to phantom scans."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gemel.core.errors import RangeError
from gemel.core.image import Array
from gemel.devices.ct.noise_power import RadialPower, scaled_to

SHAPE_POINTS = 64


@dataclass(frozen=True)
class Edge:
    """A task transfer function measured at one contrast (absolute, HU)."""

    contrast_HU: float
    f_1_mm: Float[Array, "n"]
    transfer: Float[Array, "n"]


@dataclass(frozen=True)
class NoiseScan:
    """A noise power spectrum measured at one dose."""

    ctdivol_mGy: float
    power: RadialPower
    sd_HU: float


@dataclass(frozen=True)
class BlackBox:
    """TTF = exp(−ln2 (f/f₅₀)^n), ln f₅₀ straight in ln contrast; σ = σ₁ D^−b; NPS shape with frequencies stretched by D^s.

    Resolution and noise of iterative and learned reconstructions depend on contrast and dose: Samei & Richard 2015, Med Phys 42:314.
    It holds for the phantom, kernel and strength that it was fitted to, within the ranges kept here; `label` is printed with every result.
    """

    label: str
    contrasts_HU: tuple[float, ...]
    log_f50: tuple[float, ...]
    steepness: float
    sd_1mGy_HU: float
    dose_exponent: float
    stretch: float
    shape: RadialPower
    doses_mGy: tuple[float, float]


def fitted(name: str, edges: Sequence[Edge], noises: Sequence[NoiseScan]) -> BlackBox:
    """A black box from phantom scans: two contrasts or more, two doses or more. Raises RangeError for fewer, or curves that do not fall."""
    if len(edges) < 2 or len({n.ctdivol_mGy for n in noises}) < 2:
        raise RangeError(
            f"{len(edges)} contrasts and {len(noises)} doses", where="black_box.fitted", remedy="scan two inserts and two doses or more"
        )
    if min(e.contrast_HU for e in edges) <= 0 or min(n.ctdivol_mGy for n in noises) <= 0:
        raise RangeError(
            "a contrast or dose that is not above zero", where="black_box.fitted", remedy="give the absolute contrast and CTDIvol in mGy"
        )
    ordered = sorted(edges, key=lambda e: e.contrast_HU)
    curves = [_falloff(e) for e in ordered]
    log_dose = np.log([n.ctdivol_mGy for n in noises])
    slope, level = np.polyfit(log_dose, np.log([n.sd_HU for n in noises]), 1)
    stretch, _ = np.polyfit(log_dose, np.log([_mean_frequency(n.power) for n in noises]), 1)
    return BlackBox(
        label=f"black box fitted to phantom scans: {name}",
        contrasts_HU=tuple(e.contrast_HU for e in ordered),
        log_f50=tuple(log_f50 for log_f50, _ in curves),
        steepness=float(np.mean([n for _, n in curves])),
        sd_1mGy_HU=float(np.exp(level)),
        dose_exponent=float(-slope),
        stretch=float(stretch),
        shape=_mean_shape(noises, float(stretch)),
        doses_mGy=(float(np.exp(log_dose.min())), float(np.exp(log_dose.max()))),
    )


def task_transfer(box: BlackBox, f_1_mm: Float[Array, "..."], *, contrast_HU: float) -> Float[Array, "..."]:
    """TTF at this contrast; raises RangeError outside the contrasts that were measured."""
    size = abs(contrast_HU)
    if not box.contrasts_HU[0] <= size <= box.contrasts_HU[-1]:
        raise RangeError(
            f"a contrast of {contrast_HU:g} HU",
            where=box.label,
            remedy=f"scans cover {box.contrasts_HU[0]:g} to {box.contrasts_HU[-1]:g} HU; scan more inserts",
        )
    f50 = np.exp(np.interp(np.log(size), np.log(box.contrasts_HU), box.log_f50))
    return np.asarray(np.exp(-np.log(2) * (np.asarray(f_1_mm) / f50) ** box.steepness))


def noise_power(box: BlackBox, *, ctdivol_mGy: float) -> RadialPower:
    """NPS at this dose; raises RangeError outside the doses that were measured."""
    low, high = box.doses_mGy
    if not low * (1 - 1e-9) <= ctdivol_mGy <= high * (1 + 1e-9):
        raise RangeError(
            f"{ctdivol_mGy:g} mGy", where=box.label, remedy=f"scans cover {low:g} to {high:g} mGy; scan the phantom at this dose"
        )
    stretched = RadialPower(box.shape.f_1_mm * ctdivol_mGy**box.stretch, box.shape.power_HU2_mm2)
    return scaled_to(stretched, box.sd_1mGy_HU * ctdivol_mGy**-box.dose_exponent)


def _falloff(edge: Edge) -> tuple[float, float]:
    """ln f₅₀ and steepness n of a curve, by the line ln(−ln TTF) = ln ln 2 + n (ln f − ln f₅₀) where 0.1 < TTF < 0.9."""
    used = (edge.transfer > 0.1) & (edge.transfer < 0.9) & (edge.f_1_mm > 0)
    if used.sum() < 3:
        raise RangeError(
            f"{int(used.sum())} useful points of a TTF",
            where="black_box.fitted",
            remedy="measure it between 0.9 and 0.1 at three frequencies or more",
        )
    n, offset = np.polyfit(np.log(edge.f_1_mm[used]), np.log(-np.log(edge.transfer[used])), 1)
    if n <= 0:
        raise RangeError(
            "a TTF that does not fall", where="black_box.fitted", remedy="check the edge: frequencies in 1/mm, transfer 1 at 0"
        )
    return float((np.log(np.log(2)) - offset) / n), float(n)


def _mean_frequency(power: RadialPower) -> float:
    f, p = power.f_1_mm, power.power_HU2_mm2
    return float(np.trapezoid(p * f * f, f) / np.trapezoid(p * f, f))


def _mean_shape(noises: Sequence[NoiseScan], stretch: float) -> RadialPower:
    """Mean of the spectra at frequencies as at 1 mGy, each of unit variance."""
    shrunk = [RadialPower(n.power.f_1_mm * n.ctdivol_mGy**-stretch, n.power.power_HU2_mm2) for n in noises]
    f = np.linspace(0.0, min(float(s.f_1_mm[-1]) for s in shrunk), SHAPE_POINTS)
    unit = [np.interp(f, s.f_1_mm, scaled_to(s, 1.0).power_HU2_mm2) for s in shrunk]
    return RadialPower(f, np.mean(unit, axis=0))
