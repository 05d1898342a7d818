"""Claim: position 200 to 500 ms ahead with 90 % intervals that cover 85 to 95 %, in less than 2 ms a sample on one core.

Irregular waves of two kinds that nothing was tuned on: cycles of Lujan's shape with coughs and drift, and swept tones with three
harmonics. Beside: no prediction, and the straight line through the last six samples. `--real FOLDER`: the sum of all voltages of chest EIT
recordings (EIDORS contributed data, .get of 256 float32 a frame, 13 frames a second) as breathing of real people, in tenths of its range.
Ratios published on other traces (Krauss et al. 2011, Phys Med Biol 56:5303; Ernst et al. 2013, Phys Med Biol 58:3911) are not compared.
Run: python benchmarks/respiratory_prediction.py
"""

import argparse
import time
import zipfile
from pathlib import Path

import numpy as np

from gemel.engines.rhythm import Drawn, Signal, Wave, draw_wave, latest, part, require_in_time, start, train, update

STEP_S, TRAINED_S, LAST_S = 0.04, 15.0, 90.0


def lujan(rng):
    """A wave of irregular cycles; half of them with a cough a minute."""
    wave = Wave(
        period_s=rng.uniform(2.6, 6.0), amplitude_mm=rng.uniform(3, 22), power=int(rng.integers(1, 4)),
        period_spread=rng.uniform(0.05, 0.3),
        amplitude_spread=rng.uniform(0.1, 0.4), skew=rng.uniform(0, 0.6), drift_mm_sqrt_s=rng.uniform(0.02, 0.3),
        trend_mm_s=rng.normal(0, 0.02), coughs_1_min=float(rng.integers(0, 2)), noise_mm=rng.uniform(0.02, 0.3),
    )  # fmt: skip
    times_s = np.arange(0, LAST_S, STEP_S) + rng.uniform(-0.2, 0.2) * STEP_S * rng.uniform(-1, 1, round(LAST_S / STEP_S))
    return draw_wave(wave, times_s, rng)


def swept(rng):
    """Three harmonics of a tone whose frequency and amplitude wander continuously."""
    t_s = np.arange(0, LAST_S, STEP_S)
    memory_s = rng.uniform(4, 15)
    rate = np.exp(rng.uniform(0.05, 0.3) * wandering(t_s, memory_s, rng)) / rng.uniform(2.6, 6.0)
    size_mm = rng.uniform(2, 10) * np.exp(rng.uniform(0.05, 0.35) * wandering(t_s, memory_s, rng))
    phase = np.cumsum(rate) * STEP_S
    shape = sum(rng.uniform(0, 0.4 / h) * np.cos(2 * np.pi * (h * phase + rng.uniform())) for h in (2, 3))
    clean_mm = size_mm * (np.cos(2 * np.pi * phase) + shape) + wandering(t_s, 40.0, rng)
    noisy = Signal(t_s, clean_mm + rng.uniform(0.02, 0.3) * rng.standard_normal(len(t_s)))
    return Drawn(noisy, clean_mm, np.mod(phase, 1.0), clean_mm)


def wandering(t_s, memory_s, rng):
    """A smooth process of unit spread."""
    kept = np.exp(-STEP_S / memory_s)
    raw = rng.standard_normal(len(t_s)) * np.sqrt(1 - kept**2)
    values = np.zeros(len(t_s))
    for i in range(1, len(t_s)):
        values[i] = kept * values[i - 1] + raw[i]
    return values


def recorded(folder):
    """Name and wave of every EIT recording in a folder's zip files: inspiration up, 10 % to 90 % of it 10 mm; the truth is the signal."""
    for file in sorted(folder.glob("*breathing*.zip")) + sorted(folder.glob("*ventilated*.zip")):
        with zipfile.ZipFile(file) as archive:
            for name in sorted(n for n in archive.namelist() if n.endswith(".get")):
                whole = np.frombuffer(archive.read(name), "<f4")
                total = -whole[: len(whole) // 256 * 256].reshape(-1, 256).sum(axis=1, dtype=float)
                position_mm = 10 * (total - total.mean()) / np.ptp(np.quantile(total, [0.1, 0.9]))
                signal = Signal(np.arange(len(total)) / 13.0, position_mm)
                yield name, Drawn(signal, position_mm, np.zeros(len(total)), position_mm)


def line_mm(signal, ahead_s, samples=6):
    """The straight line through the last samples, carried on."""
    out = np.array(signal.position_mm)
    for i in range(samples - 1, len(out)):
        t_s, z_mm = signal.t_s[i - samples + 1 : i + 1], signal.position_mm[i - samples + 1 : i + 1]
        slope = np.polyfit(t_s - t_s.mean(), z_mm, 1)[0]
        out[i] = z_mm.mean() + slope * (t_s[-1] - t_s.mean() + ahead_s)
    return out


def followed(drawn, ahead_s):
    """Errors of forecast, of standing still and of the line; coverage; mean width; phase error; durations."""
    signal = drawn.signal
    model = train(part(signal, -1.0, TRAINED_S))
    tracker = start(model, signal.t_s[0], signal.position_mm[0], horizon_s=ahead_s)
    told, spent_s = [], []
    for t_s, z_mm in zip(signal.t_s[1:], signal.position_mm[1:]):
        began = time.process_time()
        tracker = update(tracker, float(t_s), float(z_mm))
        spent_s.append(time.process_time() - began)
        told.append(latest(tracker))
    then_s = np.array([f.t_s for f in told])
    kept = (signal.t_s[1:] > TRAINED_S) & (then_s < signal.t_s[-1])
    truth_mm, seen_mm = (np.interp(then_s, signal.t_s, z) for z in (drawn.position_mm, signal.position_mm))
    guesses = ([f.position_mm for f in told], signal.position_mm[1:], line_mm(signal, ahead_s)[1:])
    errors = [float(np.sqrt(np.mean(np.square(np.asarray(g) - truth_mm)[kept]))) for g in guesses]
    inside = [f.low_mm <= z <= f.high_mm for f, z in zip(told, seen_mm)]
    width = np.mean([f.high_mm - f.low_mm for f, k in zip(told, kept) if k])
    turns = np.interp(then_s, signal.t_s, np.unwrap(2 * np.pi * drawn.phase)) / (2 * np.pi)
    off = (np.array([f.phase for f in told]) - turns)[kept]
    middle = np.angle(np.exp(2j * np.pi * off).mean()) / (2 * np.pi)
    off = (off - middle + 0.5) % 1 - 0.5
    known = np.mean(np.abs(off) < 1.645 * np.array([f.phase_sd for f in told])[kept])
    return [*errors, float(np.mean(np.array(inside)[kept])), float(width), float(np.sqrt(np.mean(off**2))), float(known)], spent_s


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--traces", type=int, default=20)
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--real", type=Path)
    arguments = parser.parse_args()
    everything = []
    for kind in (lujan, swept):
        for ahead_s in (0.2, 0.3, 0.4, 0.5):
            runs = [followed(kind(np.random.default_rng((arguments.seed, i))), ahead_s) for i in range(arguments.traces)]
            rows = np.array([row for row, _ in runs])
            everything += [s for _, spent in runs for s in spent]
            own, still, line, covered, width, phase, known = rows.mean(axis=0)
            low, high = np.quantile(rows[:, 3], [0.05, 0.95])
            print(
                f"{kind.__name__} {1e3 * ahead_s:.0f} ms: rmse {own:.2f} mm, none {still:.2f}, line {line:.2f}"
                f" (ratios {np.mean(rows[:, 0] / rows[:, 1]):.2f}, {np.mean(rows[:, 0] / rows[:, 2]):.2f});"
                f" 90 % interval covers {100 * covered:.1f} % (traces {100 * low:.1f} to {100 * high:.1f}), width {width:.2f} mm;"
                f" phase {phase:.3f} cycles, within its 90 % {100 * known:.0f} %",
                flush=True,
            )
    for name, drawn in recorded(arguments.real) if arguments.real else ():
        for ahead_s in (0.2, 0.4):
            (own, still, line, covered, width, *_), spent = followed(drawn, ahead_s)
            everything += spent
            ratios = f"rmse {own:.2f} mm, ratios to none {own / still:.2f}, to the line {own / line:.2f}"
            print(f"{name} {1e3 * ahead_s:.0f} ms: {ratios}; covers {100 * covered:.1f} %, width {width:.2f} mm")
    latency = require_in_time(np.array(everything))
    shown = [1e3 * s for s in (latency.median_s, latency.p99_s, latency.worst_s)]
    print("an update, processor: median {:.2f} ms, 99 % {:.2f} ms, worst {:.1f} ms".format(*shown))


if __name__ == "__main__":
    main()
