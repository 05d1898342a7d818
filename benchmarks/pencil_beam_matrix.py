"""Claim: the proton influence matrix of a pelvis takes at most a third of the wall time of pyRadPlan 0.5, at 5 mm and 3 mm, in less memory.

Synthetic pelvis: elliptic water body 330 x 210 mm, two bone cylinders, ellipsoid target at the centre; two opposed lateral beams,
5 mm spots. Run: python benchmarks/pencil_beam_matrix.py [--peer-python PATH] [--repeats N]; NUMBA_NUM_THREADS limits the threads. The peer
runs in its own interpreter (one in which `import pyRadPlan` works) on the same phantom with its own spots. gemel runs with its default
lateral cut-off and with one that gives about as many non-zeros a spot as the peer's (6,300 at 3 mm).
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

SIZE_MM = (360.0, 240.0, 180.0)
PEER = Path(__file__).with_name("pencil_beam_matrix_peer.py")


def pelvis(spacing_mm):
    """Hounsfield-like map of tissue (RSP), target mask and voxel centres of the synthetic pelvis."""
    shape = tuple(round(s / spacing_mm) for s in SIZE_MM)
    x, y, z = np.meshgrid(*[(np.arange(n) - (n - 1) / 2) * spacing_mm for n in shape], indexing="ij")
    rsp = np.where((x / 165) ** 2 + (y / 105) ** 2 <= 1, 1.0, 0.001)
    for side in (-1, 1):
        rsp[(x - side * 100) ** 2 + y**2 <= 22**2] = 1.35
    target = (x / 22) ** 2 + (y / 18) ** 2 + (z / 20) ** 2 <= 1
    return rsp.astype(np.float32), target


def ours(spacing_mm, repeats, kept):
    """Median wall time, non-zeros and spots of gemel on the full grid."""
    from gemel.core import Image
    from gemel.devices.proton import Machine
    from gemel.engines.dose import influence, place_spots

    values, target = pelvis(spacing_mm)
    first = [-(n - 1) / 2 * spacing_mm for n in values.shape]
    affine = np.diag([spacing_mm] * 3 + [1.0])
    affine[:3, 3] = first
    rsp, machine, iso = Image(values, affine), Machine.generic(), np.zeros(3)
    spots = np.concatenate([place_spots(rsp, target, g, machine, iso) for g in (90.0, 270.0)])
    influence(rsp, spots[:4], machine, iso, kept=kept)  # compiled, or loaded from the cache, outside the clock
    times, cpu = [], []
    for _ in range(repeats):
        began, worked = time.perf_counter(), time.process_time()
        matrix = influence(rsp, spots, machine, iso, kept=kept)
        times.append(time.perf_counter() - began)
        cpu.append(time.process_time() - worked)
        nnz = matrix.nnz
        del matrix
    found = {"tool": "gemel", "spacing_mm": spacing_mm, "spots": len(spots), "voxels": values.size, "nnz": nnz}
    return {**found, "wall_s": statistics.median(times), "cpu_s": statistics.median(cpu)}


def peer(python, spacing_mm):
    """The same from the peer's interpreter, or why not."""
    done = subprocess.run([python, str(PEER), str(spacing_mm)], capture_output=True, text=True, check=False)
    if done.returncode:
        return {"tool": "pyRadPlan", "spacing_mm": spacing_mm, "failed": done.stderr.strip().splitlines()[-1:]}
    return json.loads(done.stdout.splitlines()[-1])


def one(spacing_mm, repeats, kept):
    """One case in a process of its own, so that its peak memory is its own."""
    row = ours(spacing_mm, repeats, kept)
    row["peak_GB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(json.dumps(row))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer-python", help="interpreter with pyRadPlan installed")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--one", nargs=2, type=float, metavar=("SPACING", "KEPT"), help="one case, as JSON (used by itself)")
    arguments = parser.parse_args()
    if arguments.one:
        one(arguments.one[0], arguments.repeats, arguments.one[1])
        return
    for spacing in (5.0, 3.0):
        other = peer(arguments.peer_python, spacing) if arguments.peer_python else {}
        if other:
            print(f"pyRadPlan {spacing:g} mm: {other}")
        for kept in (0.995, 0.96):
            command = [sys.executable, __file__, "--one", str(spacing), str(kept), "--repeats", str(arguments.repeats)]
            row = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[-1])
            text = f"gemel     {spacing:g} mm, cut-off keeps {kept:.1%}: {row['spots']} spots, {row['nnz'] / 1e6:.1f} M non-zeros, "
            print(text + f"{row['wall_s']:.2f} s ({row['cpu_s']:.2f} s CPU), peak {row['peak_GB']:.2f} GB")
            if "wall_s" in other:
                ratios = [row[key] / other[key] for key in ("wall_s", "peak_GB")]
                print(f"          ratio of wall time {ratios[0]:.3f}, of peak memory {ratios[1]:.2f}")


if __name__ == "__main__":
    main()
