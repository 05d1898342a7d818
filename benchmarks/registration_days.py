"""Claim: a cone-beam CT with cup, noise and a 250 mm field is registered to the planning CT in seconds, and how closely.

    python benchmarks/registration_days.py DATA [--simulated 10] [--no-modes]

DATA holds `pelvis` (CT and masks, NIfTI) and `pelvis_days` (true masks and setup, cone-beam CT of days 1, 4, 8). Simulated days use the
same CT, denoised so that it does not share its grain with the scan, moved by velocities of another family than the registration's modes
or prior: organ scalings and a rigid shift with random falls, plus a rough random field, with a setup shift and a rotation.
Peer: SimpleITK diffeomorphic demons (Vercauteren 2009, NeuroImage 45:S61) after the same rigid alignment and bias removal, --peer.
"""

import argparse
import resource
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from scipy import ndimage
from scipy.spatial.transform import Rotation

from gemel.core.image import Image, world_mm
from gemel.core.structures import Structures, centroid_mm, dice
from gemel.devices.cbct.simulate import ConeBeam, simulate
from gemel.engines.registration import (
    DisplacementField,
    Modes,
    compose,
    exponential,
    pull,
    pull_mask,
    register,
    rigid_map,
    zero_field,
)
from gemel.engines.registration.compare import body
from gemel.engines.registration.difference import Region, residual
from gemel.io import read_nifti
from gemel.systems.prostate_radiotherapy.modes import bone_mask, motion_modes, velocities

ORGANS = ("PROSTATE", "BLADDER", "RECTUM")
MODE_SD = np.array([0.5, 0.3, 2.0, 3.0, 3.0, 4.0])


@dataclass(frozen=True)
class Day:
    name: str
    scan: Image
    masks: dict[str, np.ndarray]  # bones aligned with planning
    setup_mm: np.ndarray  # at the prostate
    turn_rad: np.ndarray


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--simulated", type=int, default=10)
    parser.add_argument("--no-modes", action="store_true")
    parser.add_argument("--peer", action="store_true")
    arguments = parser.parse_args()
    ct = read_nifti(arguments.data / "pelvis" / "ct.nii.gz")
    names = ("BODY", *ORGANS, "FEMUR_L", "FEMUR_R")
    planning = Structures(ct, {name: read_nifti(arguments.data / "pelvis" / f"{name}.nii.gz").array > 0 for name in names})
    planning = replace(planning, masks={**planning.masks, "CTV": planning["PROSTATE"]})
    bone = bone_mask(ct, planning)
    fields = [replace(v, vectors_mm=-v.vectors_mm) for v in velocities(motion_modes(planning, bone))]
    modes = None if arguments.no_modes else Modes(tuple(fields), np.zeros(6), MODE_SD)
    days = [_stored(arguments.data / "pelvis_days", k) for k in (1, 4, 8)]
    days += [_simulated(ct, planning, bone, seed) for seed in range(arguments.simulated)]
    register(days[0].scan, ct, modes=modes)  # compile
    print("day           setup mm  rotation deg  prostate mm (unregistered)  Dice prostate bladder rectum   least J   wall s   CPU s")
    for day in days:
        _report(day, ct, planning, modes)
        if arguments.peer:
            _report_peer(day, ct, planning)
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")


def _report(day: Day, ct: Image, planning: Structures, modes: Modes | None) -> None:
    wall, cpu = time.perf_counter(), time.process_time()
    found = register(day.scan, ct, modes=modes)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    at, p = centroid_mm(planning, "PROSTATE"), found.position
    turn = Rotation.from_rotvec(p.rotation_rad)
    setup_mm = np.linalg.norm(turn.apply(at - p.centre_mm) + p.centre_mm + p.translation_mm - at - day.setup_mm)
    angle_deg = np.degrees(np.linalg.norm(p.rotation_rad - day.turn_rad))
    before, after = (_centroid_error_mm(day, planning, field) for field in (zero_field(ct, 2), found.field))
    overlaps = "   ".join(f"{value:.3f}" for value in _overlaps(day, planning, found.field))
    least = found.quality.least_jacobian
    line = f"{day.name:12s} {setup_mm:9.2f} {angle_deg:13.2f} {after:13.2f} ({before:.2f})       {overlaps}"
    print(f"{line} {least:9.2f} {wall:8.1f} {cpu:7.1f}")


def _report_peer(day: Day, ct: Image, planning: Structures) -> None:
    aligned = register(day.scan, ct).aligned
    wall = time.perf_counter()
    field = _demons(aligned, ct)
    wall = time.perf_counter() - wall
    overlaps = "   ".join(f"{value:.3f}" for value in _overlaps(day, planning, field))
    print(f"  SimpleITK demons                 {_centroid_error_mm(day, planning, field):13.2f}              {overlaps} {wall:18.1f}")


def _demons(fixed: Image, moving: Image) -> DisplacementField:
    """Bias removed and the field of view filled with the warped moving image, four times 30 iterations."""
    region, field = Region.of(body(fixed)), zero_field(moving, 1)
    for sd_mm in (6.0, 6.0, 3.0, 3.0):
        warped = pull(moving, field)
        left = residual(np.asarray(fixed.array, np.float32), warped, region)
        images = [np.clip(a, -250, 400) for a in (warped.array + left.rest, moving.array)]
        target, source = (_sitk(ndimage.gaussian_filter(a, sd_mm / moving.spacing_mm), moving) for a in images)
        demons = sitk.DiffeomorphicDemonsRegistrationFilter()
        demons.SetNumberOfIterations(30)
        demons.SetStandardDeviations(2.0)
        start = sitk.GetImageFromArray(np.ascontiguousarray(field.vectors_mm.transpose(2, 1, 0, 3), dtype=np.float64), isVector=True)
        start.CopyInformation(target)
        vectors = sitk.GetArrayFromImage(demons.Execute(target, source, start)).transpose(2, 1, 0, 3)
        field = DisplacementField(np.ascontiguousarray(vectors, dtype=np.float32), moving.affine_mm)
    return field


def _sitk(array: np.ndarray, grid: Image) -> sitk.Image:
    image = sitk.GetImageFromArray(np.ascontiguousarray(array.T, dtype=np.float32))
    image.SetSpacing(grid.spacing_mm.tolist())
    image.SetOrigin(grid.origin_mm.tolist())
    return image


def _overlaps(day: Day, planning: Structures, field: DisplacementField) -> list[float]:
    return [dice(pull_mask(planning[name], planning.grid, field), day.masks[name]) for name in ORGANS]


def _centroid_error_mm(day: Day, planning: Structures, field: DisplacementField) -> float:
    warped = Structures(planning.grid, {"PROSTATE": pull_mask(planning["PROSTATE"], planning.grid, field)})
    return float(np.linalg.norm(centroid_mm(warped, "PROSTATE") - centroid_mm(Structures(planning.grid, day.masks), "PROSTATE")))


def _stored(folder: Path, number: int) -> Day:
    stored = np.load(folder / f"day_{number:02d}.npz")
    shape = tuple(int(n) for n in stored["mask_shape"])
    unpacked = (np.unpackbits(row, count=int(np.prod(shape))).reshape(shape)[::-1, ::-1] for row in stored["masks_packed"])
    masks = {str(name): np.ascontiguousarray(mask, dtype=bool) for name, mask in zip(stored["mask_names"], unpacked)}
    scan = read_nifti(folder / f"cbct_{number:02d}.nii.gz")
    return Day(f"stored {number}", scan, masks, stored["setup_mm"] * (-1, -1, 1), np.zeros(3))


def _simulated(ct: Image, planning: Structures, bone: np.ndarray, seed: int) -> Day:
    rng = np.random.default_rng(1000 + seed)
    field = exponential(_velocity(planning, bone, rng), 7)
    soft = ndimage.median_filter(ct.array, 3)
    denoised = np.where((abs(ct.array) < 250) & (abs(soft) < 250), soft, ct.array).astype(np.float32)
    at, setup_mm, turn_rad = centroid_mm(planning, "PROSTATE"), rng.normal(0, 3, 3), rng.normal(0, np.radians(0.4), 3)
    inverse = Rotation.from_rotvec(turn_rad).as_matrix().T
    room = compose(field, rigid_map(zero_field(ct), inverse, at, -inverse @ setup_mm))
    scanner = ConeBeam(cup_axis_HU=rng.uniform(-70, -20), cup_edge_HU=rng.uniform(40, 100), noise_HU=(30.0, 38.0, 45.0)[seed % 3])
    scan = simulate(pull(replace(ct, array=denoised), room), at + rng.normal(0, 3, 3), rng, scanner=scanner)
    return Day(f"simulated {seed}", scan, {n: pull_mask(planning[n], ct, field) for n in ORGANS}, setup_mm, turn_rad)


def _velocity(planning: Structures, bone: np.ndarray, rng: np.random.Generator) -> DisplacementField:
    """Bladder exp(-1) to 1.15 in volume, rectum ±35 %, prostate by mm and degrees, 1.5 mm of roughness; bone and skin held."""
    grid = planning.grid
    x = world_mm(grid, np.argwhere(np.ones(grid.shape, bool)).astype(float)).reshape(*grid.shape, 3)
    away = {name: ndimage.distance_transform_edt(~planning[name], sampling=grid.spacing_mm)[..., None] for name in ORGANS}
    neck = 0.4 * centroid_mm(planning, "BLADDER") + 0.6 * centroid_mm(planning, "PROSTATE") + rng.normal(0, 5, 3)
    v = rng.uniform(-1.0, 0.15) / 3 * rng.uniform(0.7, 1.3, 3) * (x - neck) * np.exp(-0.5 * (away["BLADDER"] / rng.uniform(15, 25)) ** 2)
    v += _rectal(planning, x, rng.uniform(-0.35, 0.35)) * np.exp(-0.5 * (away["RECTUM"] / 10) ** 2)
    near = np.clip(1 - away["PROSTATE"] / 25, 0, 1)
    near = near**2 * (3 - 2 * near)
    turn = np.cross((rng.normal(0, np.radians(3)), 0, 0), x - centroid_mm(planning, "PROSTATE"))
    v = v * (1 - near) + near * (rng.normal(0, 2.5, 3) * (0.4, 1, 1) + turn)
    rough = np.stack([ndimage.gaussian_filter(rng.standard_normal(grid.shape), 25.0 / grid.spacing_mm) for _ in range(3)], axis=-1)
    v += 1.5 * rough / rough.std()
    free = np.clip((ndimage.distance_transform_edt(~bone, sampling=grid.spacing_mm) - 3) / 9, 0, 1)
    free *= np.clip(ndimage.distance_transform_edt(planning["BODY"], sampling=grid.spacing_mm) / 15, 0, 1)
    return DisplacementField((-v * free[..., None]).astype(np.float32), grid.affine_mm)


def _rectal(planning: Structures, x: np.ndarray, growth: float) -> np.ndarray:
    """In-plane scaling about the slice centroids, not in the lowest slices."""
    index = np.argwhere(planning["RECTUM"]).astype(float)
    slices = np.unique(index[:, 2])
    centres = world_mm(planning.grid, np.array([index[index[:, 2] == k].mean(axis=0) for k in slices]))
    line = np.stack([np.interp(np.arange(planning.grid.shape[2]), slices, centres[:, a]) for a in (0, 1)], axis=-1)
    share = np.clip((np.arange(planning.grid.shape[2]) - slices.min() - 3) / 4, 0, 1)
    flat = np.zeros_like(x)
    flat[..., :2] = 0.5 * growth * share[:, None] * (x[..., :2] - line)
    return flat


if __name__ == "__main__":
    main()
