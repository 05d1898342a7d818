"""Claim: the pencil beam agrees with gemel's own Monte Carlo to gamma 2 %/2 mm in >= 90 % of a pelvis' voxels; where it does not is shown.

Global gamma in the body (RSP > 0.2), 10 % cut-off, in per cent of the target's mean dose, the Monte Carlo the reference; both on the same
stopping powers. Cases: the synthetic pelvis of pencil_beam_matrix.py; the same body of water; a block of water whose half x > 0 has 30 mm
of air, or of bone, on the way (an edge along the beam: the worst case for ray-wise depths); gemel's made-up pelvis; with --pelvis FOLDER
a real one (ct.nii.gz, PROSTATE.nii.gz). Weights give the target an even dose.
Run: python benchmarks/pencil_beam_monte_carlo.py [--histories 3e6] [--case NAME ...] [--pelvis FOLDER]
"""

import argparse
import time
from pathlib import Path

import numpy as np
from pencil_beam_matrix import pelvis
from scipy import ndimage

from gemel.core.image import Image, world_mm
from gemel.devices.ct import default_hu_rsp_table
from gemel.devices.proton import Machine
from gemel.engines.dose import SpotGrid, forward, hu_to_rsp, influence, place_spots
from gemel.engines.dose.monte_carlo import simulate
from gemel.engines.gamma import gamma_map

CASES = ("water", "synthetic", "air edge", "bone edge", "digital")
EDGE_MM = 6.0
AIM_GY = 2.0


def centred(values, spacing_mm=3.0):
    """Values on a grid about the origin."""
    affine = np.diag([spacing_mm] * 3 + [1.0])
    affine[:3, 3] = [-(n - 1) / 2 * spacing_mm for n in values.shape]
    return Image(values.astype(np.float32), affine)


def edge(rsp_of_slab):
    """160 x 180 x 120 mm of water; a slab of 30 mm from 40 mm depth on in the half x > 0; a target behind it on both sides."""
    values = np.ones((54, 60, 40))
    values[27:, 13:23] = rsp_of_slab
    target = np.zeros(values.shape, dtype=bool)
    target[19:35, 38:46, 13:27] = True
    return centred(values), target, (0.0,)


def scene(case, folder):
    """Stopping powers, target and gantry angles."""
    if case == "air edge":
        return edge(0.0012)
    if case == "bone edge":
        return edge(1.6)
    if case in ("water", "synthetic"):
        values, target = pelvis(3.0)
        return centred(np.minimum(values, 1.0) if case == "water" else values), target, (90.0, 270.0)
    if case == "digital":
        from gemel.systems.prostate_radiotherapy.phantom import digital_pelvis

        ct, structures = digital_pelvis(np.random.default_rng(0))
        return hu_to_rsp(ct, default_hu_rsp_table()), structures["CTV"], (90.0, 270.0)
    from gemel.io import read_nifti

    ct = read_nifti(folder / "ct.nii.gz")
    hu = Image(np.clip(ct.array, -1000, 3000).astype(np.float32), ct.affine_mm)
    return hu_to_rsp(hu, default_hu_rsp_table()), read_nifti(folder / "PROSTATE.nii.gz").array > 0, (270.0, 50.0, 310.0)


def even_weights(rsp, target, spots, machine, isocentre_mm):
    """Weights that give the target an even dose, by multiplicative steps of least squares."""
    rows = influence(rsp, spots, machine, isocentre_mm, voxels=target)[np.flatnonzero(target)]
    weights, wanted = np.ones(len(spots)), rows.T @ np.full(rows.shape[0], AIM_GY)
    for _ in range(80):
        weights *= wanted / np.maximum(rows.T @ (rows @ weights), 1e-9)
    return np.where(weights > 1e-3 * weights.max(), weights, 0.0).astype(np.float32)


def near(mask, spacing_mm):
    """Voxels within EDGE_MM of the mask's surface."""
    if not mask.any():
        return mask
    return ndimage.distance_transform_edt(~(mask ^ ndimage.binary_erosion(mask)), sampling=spacing_mm) <= EDGE_MM


def report(case, arguments):
    """Gamma pass rate and mean deviation, in all and by place."""
    rsp, target, angles = scene(case, arguments.pelvis)
    machine, isocentre_mm = Machine.generic(), world_mm(rsp, np.argwhere(target).mean(axis=0)[None])[0]
    grid = SpotGrid(layer_mm=5.0)
    spots = np.concatenate([place_spots(rsp, target, g, machine, isocentre_mm, grid=grid) for g in angles])
    weights = even_weights(rsp, target, spots, machine, isocentre_mm)
    spots, weights = spots[weights > 0], weights[weights > 0]
    began = time.perf_counter()
    beams = forward.dose(rsp, spots, weights, machine, isocentre_mm)
    between = time.perf_counter()
    truth, _ = simulate(rsp, spots, weights, machine, isocentre_mm, int(arguments.histories), 1, values="rsp")
    clock = f"pencil beam {between - began:.2f} s, Monte Carlo {time.perf_counter() - between:.0f} s"
    body, full = rsp.array > 0.2, float(beams[target].mean())
    truth, beams = np.where(body, np.minimum(truth, 1.3 * full), 0), np.where(body, beams, 0)
    scale = full / float(truth.max())
    gamma = gamma_map(truth, beams, rsp.spacing_mm, 2.0 * scale, 2.0, 10.0 * scale)
    judged, deviation = np.isfinite(gamma), 100 * (beams - truth) / full
    print(f"{case}: {len(spots)} spots, {arguments.histories:g} histories; {clock}")
    ends = np.zeros_like(body)
    ends[:, :, [0, -1]] = True
    places = {"all": body, "target": target, "bone surface": near(rsp.array > 1.15, rsp.spacing_mm), "ends of the scan": ends}
    places |= {
        "air or skin": near(body, rsp.spacing_mm),
        "elsewhere": ~np.any([*list(places.values())[1:], near(body, rsp.spacing_mm)], axis=0),
    }
    for name, place in places.items():
        here = judged & place
        if here.any():
            rate, mean = 100 * float((gamma[here] <= 1).mean()), float(deviation[here].mean())
            print(
                f"  {name:17s} {np.count_nonzero(here):6d} voxels: gamma {rate:5.1f} %, mean deviation {mean:+.2f} % of the target's dose"
            )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--histories", type=float, default=3e6)
    parser.add_argument("--case", nargs="*", default=CASES)
    parser.add_argument("--pelvis", type=Path, help="folder of a real pelvis")
    arguments = parser.parse_args()
    for case in [*arguments.case, *(["real"] if arguments.pelvis else [])]:
        report(case, arguments)


if __name__ == "__main__":
    main()
