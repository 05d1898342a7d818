"""Claim: the day's pelvis by cone-beam CT (half fan, spectrum, scatter, noise) in less than 20 s; corrected, depths right within 2 mm.

Truth: digital pelves and the ten simulated days of a real pelvis (`pelvis_days`), each on a couch that is off by 2 mm (sd) an axis. The
scan is made with a tube voltage and a scatter that the correction does not know. Depth: water-equivalent path from the skin to each voxel
of the target at 12 gantry angles, by `default_hu_rsp_table`. Beside: the planning CT, aligned, as it is; and the uncorrected image.
Run: python benchmarks/cbct_of_the_day.py [--seeds 10] [--data ../shared/data]
"""

import argparse
import time
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
from scipy import ndimage

from gemel.core.image import Image
from gemel.core.structures import centroid_mm
from gemel.devices.cbct import GENERIC, Scatter, acquire, aligned, corrected, reconstruct
from gemel.devices.ct import default_hu_rsp_table
from gemel.engines.dose import hu_to_rsp, water_equivalent_depth
from gemel.engines.registration import DisplacementField, pull, pull_mask
from gemel.systems.prostate_radiotherapy.anatomy import anatomy_of
from gemel.systems.prostate_radiotherapy.day import virtual_patient

ANGLES_DEG = np.arange(0.0, 360.0, 30.0)
BODY_HU = -400.0


def body(hu):
    """The largest thing above -400 HU, holes filled slice by slice."""
    labels, _ = ndimage.label(ndimage.binary_opening(hu > BODY_HU))
    found = labels == 1 + np.argmax(np.bincount(labels.ravel())[1:])
    return np.stack([ndimage.binary_fill_holes(found[..., k]) for k in range(hu.shape[2])], axis=-1)


def depths_mm(image, mask):
    """Depths to every voxel of the mask at every angle."""
    rsp = np.where(body(image.array), hu_to_rsp(np.clip(image.array, -1024, 3071), default_hu_rsp_table()), 0.0)
    return np.concatenate([water_equivalent_depth(Image(rsp.astype(np.float32), image.affine_mm), g)[mask] for g in ANGLES_DEG])


def moved(image, shift_mm):
    """The image elsewhere, its voxels untouched."""
    affine_mm = image.affine_mm.copy()
    affine_mm[:3, 3] += shift_mm
    return replace(image, affine_mm=affine_mm)


def digital(seed):
    """Planning CT, anatomy of the day and its target, isocentre."""
    patient = virtual_patient(2, np.random.default_rng(seed))
    day, structures = anatomy_of(patient.ct, patient.modes.planning, patient.modes, patient.states[1])
    return patient.ct, day, structures["CTV"], centroid_mm(patient.modes.planning, "CTV")


def to_lps(affine_ras, shape):
    """Affine of the array reversed along x and y."""
    flip = np.diag([-1.0, -1.0, 1.0, 1.0])
    flip[:2, 3] = np.array(shape[:2]) - 1
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine_ras @ flip


def real(data, day):
    """The same of one of the simulated days of the real pelvis."""
    file, target = (nibabel.load(data / "pelvis" / f"{name}.nii.gz") for name in ("ct", "PROSTATE"))
    ct, mask = (np.ascontiguousarray(np.asarray(f.dataobj)[::-1, ::-1]) for f in (file, target))
    plan = Image(ct.astype(np.float32), to_lps(file.affine, file.shape))
    with np.load(data / "pelvis_days" / f"day_{day:02d}.npz") as held:
        vectors = held["disp_pull_mm"].astype(np.float32)[::-1, ::-1] * np.float32([-1, -1, 1])
        field = DisplacementField(vectors, to_lps(held["affine_6mm"], vectors.shape))
    centre_mm = plan.affine_mm[:3, :3] @ np.argwhere(mask > 0).mean(axis=0) + plan.origin_mm
    return plan, pull(plan, field), pull_mask(mask > 0, plan, field), centre_mm


def tried(ct, day, target, centre_mm, rng):
    """Depth errors (mean absolute, mean, 95th percentile) of the CT, the uncorrected and the corrected image; ratios; seconds."""
    setup_mm = rng.normal(0.0, 2.0, 3)
    scatter = Scatter(*rng.uniform([0.4, 1.0, 25.0, 90.0, 0.3], [1.6, 2.0, 60.0, 180.0, 0.7]))
    machine = replace(GENERIC, kVp=float(rng.uniform(122.0, 128.0)), scatter=scatter)
    began = time.process_time()
    scan = acquire(moved(day, setup_mm), centre_mm, rng, machine=machine)
    known = replace(scan, machine=GENERIC)
    reconstruct(known, ct)
    made_s = time.process_time() - began
    prior = aligned(known, ct)
    began = time.process_time()
    found = corrected(known, prior)
    mended_s = time.process_time() - began
    there = moved(day, setup_mm)
    onto = replace(there, frame=ct.frame)
    truth = depths_mm(there, target)
    images = (pull_onto(prior, onto), reconstruct(known, onto), pull_onto(found.image, onto))
    errors = [depths_mm(image, target) - truth for image in images]
    summary = [[np.abs(e).mean(), e.mean(), np.percentile(np.abs(e), 95)] for e in errors]
    return np.array(summary), scan.scatter_to_primary, found.scatter_to_primary, made_s, mended_s


def pull_onto(image, onto):
    """The image on the grid of the day's truth."""
    still = DisplacementField(np.zeros((1, 1, 1, 3), np.float32), np.eye(4))
    return pull(image, still, onto=onto)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--days", type=int, default=10)
    arguments = parser.parse_args()
    cases = [(f"digital {seed}", digital, (seed,)) for seed in range(arguments.seeds)]
    cases += [(f"real, day {day}", real, (arguments.data, day)) for day in range(1, arguments.days + 1)]
    held = {"digital": [], "real": []}
    for i, (name, make, inputs) in enumerate(cases):
        summary, true_ratio, taken, made_s, mended_s = tried(*make(*inputs), np.random.default_rng((7, i)))
        held[make.__name__].append(summary)
        shown = "; ".join(f"{what} {a:.2f} (mean {m:+.2f}, 95 % {q:.1f})" for what, (a, m, q) in zip(("plan", "raw", "corrected"), summary))
        print(
            f"{name}: depth error mm {shown}; scatter/primary {true_ratio:.2f}, found {taken:.2f}; {made_s:.1f} + {mended_s:.1f} s",
            flush=True,
        )
    for name, rows in held.items():
        if rows:
            plan, raw, right = np.array(rows)[:, :, 0].T
            means = f"plan {plan.mean():.2f}, raw {raw.mean():.2f}, corrected {right.mean():.2f} (worst {right.max():.2f})"
            print(f"{name}: mean |depth error| {means} mm")


if __name__ == "__main__":
    main()
