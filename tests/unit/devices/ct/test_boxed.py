"""A black box that is filtered back-projection gives what the model gives; one that denoises sees faint lesions blurred."""

from dataclasses import replace

import numpy as np
import pytest

from gemel.core.errors import RangeError
from gemel.devices.ct import Protocol, Task, expose, generic, noise_sd, slice_model, trace, water_ellipse_HU
from gemel.devices.ct.black_box import Edge, NoiseScan, fitted
from gemel.devices.ct.boxed import boxed
from gemel.devices.ct.noise_power import RadialPower, scaled_to
from gemel.devices.ct.texture import texture

SCANNER, PROTOCOL = generic(), Protocol(kernel="standard")
PHANTOM = trace(water_ellipse_HU(20, 20), (3.0, 3.0), SCANNER)
PATIENT = trace(water_ellipse_HU(34, 28), (3.0, 3.0), SCANNER)
LESION = Task(6.0, contrast_HU=30.0, observer="npw")


def phantom_sd_HU(mAs: float) -> float:
    return float(noise_sd(PHANTOM, SCANNER, protocol=replace(PROTOCOL, mAs=mAs))[0])


def scans(blur: float, quiet: float) -> tuple[list[Edge], list[NoiseScan]]:
    """The model's own kernel with its noise times `quiet`, and contrasts under 100 HU blurred by `blur`."""
    kernel = texture(SCANNER, "standard")
    edges = [
        Edge(c, kernel.f_1_mm, np.interp(kernel.f_1_mm * (blur if c < 100 else 1.0), kernel.f_1_mm, kernel.transfer)) for c in (10.0, 900.0)
    ]
    power = RadialPower(np.append(0.0, kernel.f_1_mm), np.append(0.0, kernel.unit_power_mm2))
    doses = [(17.66 * m / 200, quiet * phantom_sd_HU(m)) for m in (100.0, 200.0, 400.0)]
    return edges, [NoiseScan(dose, scaled_to(power, sd), sd) for dose, sd in doses]


def test_a_box_that_is_back_projection_changes_nothing() -> None:
    """Noise within 1 %; d' within 3 % (the box's transfer is a fitted curve, not the kernel's own)."""
    plain = slice_model(PATIENT, SCANNER, protocol=PROTOCOL, task=LESION, exposure=expose(PATIENT, SCANNER, 120.0))
    same = boxed(plain, fitted("FBP", *scans(1.0, 1.0)), task=LESION, phantom_sd_HU=phantom_sd_HU(200.0))
    assert same.sd_HU == pytest.approx(plain.sd_HU, rel=0.01)
    assert same.detectability == pytest.approx(plain.detectability, rel=0.03)
    assert same.flags[-1].kind == "black box"
    assert "fitted to phantom scans: FBP" in same.flags[-1].text


def test_halved_noise_with_blur_gains_less_than_twice() -> None:
    plain = slice_model(PATIENT, SCANNER, protocol=PROTOCOL, task=LESION)
    quiet = boxed(plain, fitted("IR", *scans(1.0, 0.5)), task=LESION, phantom_sd_HU=phantom_sd_HU(200.0))
    blurred = boxed(plain, fitted("IR", *scans(1.8, 0.5)), task=LESION, phantom_sd_HU=phantom_sd_HU(200.0))
    assert quiet.sd_HU == pytest.approx(plain.sd_HU / 2, rel=0.01)
    assert quiet.detectability == pytest.approx(2 * plain.detectability, rel=0.03)
    assert blurred.detectability < 0.97 * quiet.detectability


def test_a_box_is_not_stretched_beyond_its_scans() -> None:
    plain = slice_model(PATIENT, SCANNER, protocol=replace(PROTOCOL, mAs=1000.0), task=LESION)
    with pytest.raises(RangeError, match="scan the phantom at this dose"):
        boxed(plain, fitted("FBP", *scans(1.0, 1.0)), task=LESION, phantom_sd_HU=5.0)
    with pytest.raises(RangeError, match="noise_sd"):
        boxed(plain, fitted("FBP", *scans(1.0, 1.0)), task=LESION, phantom_sd_HU=0.0)
