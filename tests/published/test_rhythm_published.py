"""Forecasts of real breathing: the global impedance of chest EIT recordings (Gómez-Laberge 2006, EIDORS contributed data; 13 frames/s).

Krauss et al. 2011, Phys Med Biol 56:5303 and Ernst et al. 2013, Phys Med Biol 58:3911 find, on other traces, errors of good predictors well
below those of no prediction at 200 to 600 ms; their ratios depend on the trace and are not asserted.
"""

import zipfile

import numpy as np
import pytest

from gemel.engines.rhythm import Signal, latest, part, start, train, update

AHEAD_S, TRAINED_S = 0.4, 15.0


def recording(shared_data, number):
    file = shared_data / "cardio_resp" / "eit_lung_eidors" / "cg_normal_breathing_1plane.zip"
    if not file.is_file():
        pytest.skip(f"no EIT recordings at {file}")
    with zipfile.ZipFile(file) as archive:
        name = next(n for n in archive.namelist() if n.endswith(f"_{number:03d}.get"))
        whole = np.frombuffer(archive.read(name), "<f4")
    total = -whole[: len(whole) // 256 * 256].reshape(-1, 256).sum(axis=1, dtype=float)
    return Signal(np.arange(len(total)) / 13.0, 10 * (total - total.mean()) / np.ptp(np.quantile(total, [0.1, 0.9])))


@pytest.mark.parametrize("number, ratio", [pytest.param(1, 0.55, marks=pytest.mark.full), (4, 0.35)])  # quiet; quick, with changing period
def test_real_breaths_are_foreseen(shared_data, number, ratio):
    signal = recording(shared_data, number)
    tracker = start(train(part(signal, -1.0, TRAINED_S)), float(signal.t_s[0]), float(signal.position_mm[0]), horizon_s=AHEAD_S)
    told = []
    for t_s, z_mm in zip(signal.t_s[1:], signal.position_mm[1:]):
        tracker = update(tracker, float(t_s), float(z_mm))
        told.append((latest(tracker), float(z_mm)))
    kept = [(f, z, np.interp(f.t_s, signal.t_s, signal.position_mm)) for f, z in told if TRAINED_S < f.t_s < signal.t_s[-1]]
    error = np.array([(f.position_mm - then, z - then) for f, z, then in kept])
    own, still = np.sqrt(np.mean(np.square(error), axis=0))
    assert own < ratio * still
    assert 0.85 <= np.mean([f.low_mm <= then <= f.high_mm for f, _, then in kept]) <= 0.95
