"""Claim: proton Monte Carlo of 5e4 protons/s or more on two cores in a pelvis at 3 mm; 90 % or more of the pencil beam agrees with it.

    python benchmarks/monte_carlo.py [--data ../shared/data] [--histories 4e6] [--mcsquare FOLDER]

Synthetic pelvis of `pencil_beam_matrix.py`, two opposed lateral beams, spots of 5 mm, weights for an even 2 Gy in the target. Printed:
protons per second of wall time and of CPU time (with --mcsquare beside those of MCsquare on the same spots, see monte_carlo_peer.py),
the uncertainty in the target, and the global gamma 2 %/2 mm (10 % cut-off, within the body) of the pencil beam against the Monte Carlo,
with where it fails. With --data also for base data fitted by others, and for a real pelvis from CT numbers. NUMBA_NUM_THREADS limits
the threads.
"""

import argparse
import os
import time
from pathlib import Path

import monte_carlo_peer
import nibabel
import numpy as np
from pencil_beam_matrix import pelvis
from scipy.ndimage import binary_closing, binary_dilation, binary_erosion

from gemel.core import Image
from gemel.devices.proton import Machine
from gemel.engines.dose import hu_to_rsp, influence, place_spots
from gemel.engines.dose.monte_carlo import simulate, tally
from gemel.engines.dose.tissues import default_hu_rsp_table
from gemel.engines.gamma import gamma_map

LATERAL, OBLIQUE = (90.0, 270.0), (50.0, 310.0)  # the real scan cuts the skin off on one side, so that beams come from in front there
PRESCRIBED_GY = 2.0
TISSUE = 0.2  # RSP above this is body


def centred(values, spacing_mm):
    """An image of equal voxels with its centre at the origin."""
    affine = np.diag([spacing_mm] * 3 + [1.0])
    affine[:3, 3] = [-(n - 1) / 2 * spacing_mm for n in values.shape]
    return Image(values, affine)


def plan(rsp, target, machine, iso, gantries):
    """Spots, weights for an even dose in the target (multiplicative updates) and the pencil beam's dose."""
    spots = np.concatenate([place_spots(rsp, target, g, machine, iso) for g in gantries])
    matrix, wanted = influence(rsp, spots, machine, iso), target.ravel()
    inside, weights = matrix[np.flatnonzero(wanted)], np.ones(len(spots))
    aim = inside.T @ np.full(inside.shape[0], PRESCRIBED_GY)
    for _ in range(60):
        weights *= aim / np.maximum(inside.T @ (inside @ weights), 1e-9)
    return spots, weights, (matrix @ weights).reshape(rsp.shape).astype(np.float32)


def compared(name, image, rsp, target, machine, iso, histories, gantries=LATERAL):
    """One plan both ways: speed, uncertainty and gamma, printed."""
    spots, weights, pencil = plan(rsp, target, machine, iso, gantries)
    simulate(image, spots, weights, machine, iso, 320, 1)  # compiled, or loaded from the cache, outside the clock
    began, worked = time.perf_counter(), time.process_time()
    found = tally(image, spots, weights, machine, iso, histories, 1)
    wall_s, cpu_s = time.perf_counter() - began, time.process_time() - worked
    error = float(np.sqrt(np.mean(found.uncertainty[target] ** 2)))
    balance = (found.deposited_MeV + found.escaped_MeV + found.neutral_MeV + found.binding_MeV) / found.in_MeV - 1
    print(f"{name}: {len(spots)} spots of {spots[:, 3].min():.0f}-{spots[:, 3].max():.0f} MeV, {rsp.array.size / 1e6:.2f} M voxels")
    print(f"  {found.histories:.2g} protons in {wall_s:.1f} s ({cpu_s:.1f} s CPU): {found.histories / wall_s:.3g} protons/s, ", end="")
    print(f"{found.histories / cpu_s:.3g} per CPU second; energy balance {balance:+.1e}")
    print(f"  uncertainty in the target {error:.2%}; 2 % needs {found.histories * (error / 0.02) ** 2:.2g} protons, ", end="")
    ratio = found.dose_Gy[target].mean() / pencil[target].mean()
    print(f"{wall_s * (error / 0.02) ** 2:.1f} s; target mean {ratio - 1:+.1%} of the pencil beam's")
    body = rsp.array > TISSUE
    doses = [np.where(body, d, 0).astype(np.float32) for d in (found.dose_Gy, pencil)]
    for label, (reference, other) in (("Monte Carlo", doses), ("pencil beam", doses[::-1])):
        gamma = gamma_map(reference, other, rsp.spacing_mm, 2, 2, 10)
        judged = np.isfinite(gamma)
        print(f"  gamma 2 %/2 mm, reference {label}: {np.mean(gamma[judged] <= 1):.1%} of {judged.sum()} voxels")
    where(gamma, judged, rsp, target, found.dose_Gy / np.maximum(pencil, 1e-9))


def where(gamma, judged, rsp, target, ratio):
    """Share of failing voxels by the kind of place."""
    body = binary_closing(rsp.array > TISSUE, iterations=2)
    entrance = body & ~binary_erosion(body, iterations=round(40 / rsp.spacing_mm[0]))
    edge = np.max([np.abs(np.gradient(rsp.array, axis=a)) for a in range(3)], axis=0) > 0.1
    kinds = {
        "target": target,
        "bone or air edge": edge & ~target,
        "40 mm under the skin": entrance & ~edge,
        "else": ~target & ~edge & ~entrance,
    }
    for kind, mask in kinds.items():
        here = mask & judged
        if here.any():
            share = np.mean(gamma[here] > 1)
            print(f"    {kind}: {here.sum()} voxels, {share:.1%} fail, Monte Carlo / pencil beam {np.median(ratio[here]):.3f} (median)")


def real_pelvis(folder):
    """CT numbers and the prostate with 5 mm around it, of the pelvis in `folder`, in LPS."""

    def read(name):
        return np.ascontiguousarray(np.asarray(nibabel.load(folder / f"{name}.nii.gz").dataobj)[::-1, ::-1])

    hu, body = read("ct").astype(np.float32), read("BODY") > 0
    hu[~body] = -1000.0  # the couch is not part of the body
    target = binary_dilation(read("PROSTATE") > 0, iterations=2)
    return centred(hu, 3.0), target


def beside(folder, rsp, target, machine, histories):
    """gemel and MCsquare in turn on the same spots: protons per second of each, and the ratio."""
    spots, weights, _ = plan(rsp, target, machine, np.zeros(3), LATERAL)
    hu = np.interp(rsp.array, [0.001, 1.0, 1.35], [-1000.0, 0.0, 600.0]).astype(np.float32)
    ct, threads = centred(hu, 3.0), len(os.sched_getaffinity(0))
    rates = {"gemel": [], "MCsquare": []}
    for _ in range(3):
        began, worked = time.perf_counter(), time.process_time()
        simulate(ct, spots, weights, machine, np.zeros(3), histories, 1, values="hu")
        rates["gemel"].append((histories / (time.perf_counter() - began), histories / (time.process_time() - worked)))
        wall_s, cpu_s, _ = monte_carlo_peer.simulate(folder, hu, spots, weights, histories=histories, threads=threads)
        rates["MCsquare"].append((histories / wall_s, histories / cpu_s))
    medians = {name: np.median(found, axis=0) for name, found in rates.items()}
    print(f"the same {len(spots)} spots on CT numbers, {histories:.2g} protons, {threads} threads, medians of 3 in turn:")
    for name, (wall, cpu) in medians.items():
        print(f"  {name}: {wall:.3g} protons/s, {cpu:.3g} per CPU second")
    print("  ratio gemel / MCsquare: {:.2f} in wall time, {:.2f} in CPU time".format(*medians["gemel"] / medians["MCsquare"]))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder with proton_machine/ and pelvis/")
    parser.add_argument("--histories", type=float, default=4e6)
    parser.add_argument("--mcsquare", type=Path, help="folder of the peer: MCsquare_linux, BDL, Scanners, Materials")
    asked = parser.parse_args()
    histories, iso, generic = int(asked.histories), np.zeros(3), Machine.generic()
    values, target = pelvis(3.0)
    rsp = centred(values, 3.0)
    compared("synthetic pelvis, generic machine", rsp, rsp, target, generic, iso, histories)
    if asked.mcsquare:
        beside(asked.mcsquare, rsp, target, generic, histories // 4)
    if asked.data:
        fitted = Machine.from_npz(asked.data / "proton_machine" / "matrad_protons_generic.npz")
        compared("synthetic pelvis, base data fitted by others", rsp, rsp, target, fitted, iso, histories)
        ct, prostate = real_pelvis(asked.data / "pelvis")
        iso = np.argwhere(prostate).mean(axis=0) * 3.0 + ct.origin_mm
        for name, machine in (("generic machine", generic), ("base data fitted by others", fitted)):
            stopping = hu_to_rsp(ct, default_hu_rsp_table())
            compared(f"real pelvis from CT numbers, {name}", ct, stopping, prostate, machine, iso, histories, OBLIQUE)


if __name__ == "__main__":
    main()
