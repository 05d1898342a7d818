"""A forecast as a vendor's black-box reconstruction would show it: its resolution and texture, its noise carried over to the patient."""

from dataclasses import replace

import numpy as np

from gemel.core.errors import RangeError
from gemel.devices.ct.black_box import BlackBox, noise_power, task_transfer
from gemel.devices.ct.noise_power import power_at, variance_HU2
from gemel.devices.ct.slice_model import Flag, SliceForecast
from gemel.devices.ct.task import Task, unit_detectability
from gemel.devices.ct.texture import FREQUENCIES, Texture


def boxed(forecast: SliceForecast, box: BlackBox, *, task: Task, phantom_sd_HU: float) -> SliceForecast:
    """Noise σ_box(dose) · σ_FBP(patient)/σ_FBP(phantom) and d' with the box's TTF at the lesion's contrast and NPS at the dose.

    `phantom_sd_HU`: `noise_sd` of the phantom that the box was fitted on, same protocol. Assumes that noise is lowered in the
    patient by the same factor as in the phantom; the label says that it is a fit. Observers differ from the ideal reconstruction's as in
    Samei & Richard 2015, Med Phys 42:314. Raises RangeError outside the contrasts and doses that were scanned.
    """
    if not phantom_sd_HU > 0:
        raise RangeError(f"a phantom's noise of {phantom_sd_HU:g} HU", where="boxed", remedy="give noise_sd of the phantom in HU")
    power = noise_power(box, ctdivol_mGy=forecast.ctdivol_mGy)
    sd = float(np.sqrt(variance_HU2(power))) * forecast.sd_HU / phantom_sd_HU
    slice_mm = forecast.protocol.slice_mm
    seen = unit_detectability(task, boxed_texture(box, forecast), slice_mm=slice_mm, directions=np.ones(2))
    flags = (*forecast.flags, Flag("black box", box.label))
    return replace(forecast, sd_HU=sd, detectability=abs(forecast.contrast_HU) / sd * seen, flags=flags)


def boxed_texture(box: BlackBox, forecast: SliceForecast) -> Texture:
    """TTF and NPS of unit variance of the box at the forecast's contrast and dose; its noise gain is not known and is NaN."""
    power = noise_power(box, ctdivol_mGy=forecast.ctdivol_mGy)
    step = float(power.f_1_mm[-1]) / FREQUENCIES
    f = (np.arange(FREQUENCIES) + 0.5) * step
    ring, shape = 2 * np.pi * f * step, power_at(power, f)
    unit = shape / (shape * ring).sum()
    return Texture(f, ring, task_transfer(box, f, contrast_HU=forecast.contrast_HU), unit, float("nan"))
