"""Claim: 128³ decays with a 51³ kernel in 0.3 s or less on two cores, float32, error under 1e-6 of the largest dose.

    python benchmarks/voxel_convolution.py [--size 128] [--half-width 25] [--repeat 5]

Printed: wall and CPU seconds (median), those of the peer's path (`scipy.signal.fftconvolve` in float64, as dosimetry packages call it) and
of the same in float32, and the largest difference from the float64 answer relative to its largest value.
"""

import argparse
import time

import numpy as np
from scipy.signal import fftconvolve

from gemel.engines.dose.convolve import dose_map
from gemel.engines.dose.kernel import voxel_kernel


def timed(work, repeat):
    """Result, median wall and CPU seconds; the first call is not counted."""
    work()
    walls, cpus = [], []
    for _ in range(repeat):
        began, worked = time.perf_counter(), time.process_time()
        found = work()
        walls.append(time.perf_counter() - began)
        cpus.append(time.process_time() - worked)
    return found, float(np.median(walls)), float(np.median(cpus))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--half-width", type=int, default=25)
    parser.add_argument("--repeat", type=int, default=5)
    asked = parser.parse_args()
    kernel = voxel_kernel("Lu-177", 4.42, asked.half_width)
    activity = np.random.default_rng(1).gamma(0.3, 1e6, (asked.size,) * 3)
    single, small = activity.astype(np.float32), kernel.astype(np.float32)
    exact, wall, cpu = timed(lambda: fftconvolve(activity, kernel, mode="same"), asked.repeat)
    print(f"peer float64      {wall:.3f} s wall, {cpu:.3f} s CPU")
    found, wall, cpu = timed(lambda: fftconvolve(single, small, mode="same"), asked.repeat)
    print(f"peer float32      {wall:.3f} s wall, {cpu:.3f} s CPU, error {np.abs(found - exact).max() / exact.max():.1e}")
    found, wall, cpu = timed(lambda: dose_map(single, kernel), asked.repeat)
    print(f"gemel float32     {wall:.3f} s wall, {cpu:.3f} s CPU, error {np.abs(found - exact).max() / exact.max():.1e}")


if __name__ == "__main__":
    main()
