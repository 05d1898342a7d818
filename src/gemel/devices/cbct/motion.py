"""A turn around a body that moves in a cycle: views sorted by phase, each phase brought back to one before they are added."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float, Int

from gemel.core.errors import GeometryError, InputError
from gemel.core.image import Array, Image
from gemel.devices.cbct.acquire import Scan, acquire, water_of
from gemel.devices.cbct.machine import GENERIC, Machine, cone_of, seen
from gemel.devices.cbct.reconstruct import HU_LIMITS, KERNEL, OUTSIDE_HU
from gemel.engines.project import Ramp, fdk, grid_of
from gemel.engines.registration import DisplacementField, pull


def acquire_moving(
    phases: Sequence[Image], phase_of: Int[Array, "views"], isocentre_mm: Float[Array, "3"], rng: np.random.Generator, *,
    machine: Machine = GENERIC,
) -> Scan:  # fmt: skip
    """One turn in which view i sees the body as in phase `phase_of[i]`; raises as `acquire`, and InputError for phases that do not fit."""
    require_phases(phase_of, len(phases), machine)
    scans = [acquire(image, isocentre_mm, rng, machine=machine) for image in phases]
    signal = np.stack([scans[k].signal[i] for i, k in enumerate(phase_of)])
    return replace(scans[0], signal=signal, scatter_to_primary=float(np.mean([s.scatter_to_primary for s in scans])))


def compensated(
    scan: Scan, onto: Image, phase_of: Int[Array, "views"], fields: Sequence[DisplacementField], *, ramp: Ramp = KERNEL
) -> Image:
    """HU of Σ_k FDK_k(x + u_k(x)), FDK_k from the views of phase k with the weights they have in the whole turn.

    u_k pulls phase k into the reference: reference(x) = phase_k(x + u_k(x)). As FDK is linear this is the back-projection along deformed
    lines of Rit et al. 2009, Med Phys 36:2283, for motion that is constant within a phase, and every view is filtered and back-projected
    once. With zero fields it is `reconstruct`.
    Raises InputError for phases that do not fit the views or leave some without a field, GeometryError for no voxel in the field.
    """
    require_phases(phase_of, len(fields), scan.machine)
    inside = seen(grid_of(onto, scan.isocentre_mm), scan.machine)
    if not inside.any():
        raise GeometryError("no voxel in the field of view", where="cbct.compensated", remedy="pass the isocentre in the image's frame")
    lines_mm, total = np.float32(10) * water_of(scan.signal, scan.machine), np.zeros(onto.shape, dtype=np.float32)
    cone, grid = cone_of(scan.machine), grid_of(onto, scan.isocentre_mm)
    for k, field in enumerate(fields):
        part = fdk(lines_mm, cone, grid=grid, ramp=ramp, views=phase_of == k)
        total += pull(Image(part, onto.affine_mm, onto.frame), field, outside=0.0).array
    hu = np.clip(1000 * (total - 1), *HU_LIMITS)
    return Image(np.where(inside, hu, OUTSIDE_HU).astype(np.float32), onto.affine_mm, onto.frame)


def require_phases(phase_of: Int[Array, "views"], phases: int, machine: Machine) -> None:
    """Raises InputError unless every view has one of the phases and every phase a view."""
    if phase_of.shape != (machine.views,) or sorted(set(phase_of.tolist())) != list(range(phases)):
        found = f"{phase_of.size} views in phases {sorted(set(phase_of.tolist()))}"
        raise InputError(
            found, where="phase_of", remedy=f"pass one of 0 to {phases - 1} for each of {machine.views} views, none without views"
        )
