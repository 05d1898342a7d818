"""How a pelvis moves: six stationary velocity fields between organs that move as prescribed and bone and skin that do not."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Float32
from scipy import ndimage

from gemel.core.errors import StructureError
from gemel.core.image import Array, Image, world_mm
from gemel.core.structures import Structures, centroid_mm
from gemel.engines.harmonic import smoothest
from gemel.engines.registration.field import DisplacementField
from gemel.engines.registration.warp import exponential
from gemel.systems.prostate_radiotherapy.state import measure, to_vector

BLADDER_STRAIN = (0.27, 0.31, 0.42)
"""Share of the bladder's ln volume taken by x, y, z: it fills mostly upwards, then forwards. Lotz 2005, Med Phys 32:2590 (directions)."""
LAYER_mm = {"BONE": 0.7, "SKIN": 1.5, "CTV": 1.5, "BLADDER": 6.0, "RECTUM": 2.0}
"""Depth of the layer in which a region gives way to its neighbours: soft for the bladder's wall, stiff for bone and prostate."""
CANAL_mm = (10.0, 30.0)
"""Height above the lowest contour at which the rectum starts, and fully takes part in filling: below lies the anal canal."""
ATTACHED_mm = 6.0
"""Tissue around the CTV that moves with it."""


REACH = np.array([[-1.0, 0.4], [-0.45, 0.45], [-5.0, 5.0], [-8.0, 8.0], [-8.0, 8.0], [-12.0, 12.0]])
"""Range of the motion modes; draws beyond are moved to its edge, so the library covers what the modes can show."""


@dataclass(frozen=True)
class Modes:
    """Velocities by which structures move: exp(+Σ a_k V_k) pushes planning points to the day, exp(−Σ a_k V_k) pulls the planning image.

    velocities_mm: one field a coordinate (COORDINATES), scaled so that a small a_k changes coordinate k by a_k and no other.
    planning: the structures the state is measured on.
    """

    velocities_mm: Float32[Array, "k x y z 3"]
    affine_mm: Float[Array, "4 4"]
    planning: Structures


def velocities(modes: Modes) -> tuple[DisplacementField, ...]:
    """The velocities V_k as fields, in the order of COORDINATES."""
    return tuple(DisplacementField(v, modes.affine_mm) for v in modes.velocities_mm)


def bone_mask(ct: Image, structures: Structures, *, threshold_HU: float = 200.0) -> Bool[Array, "x y z"]:
    """Voxels above the threshold inside BODY and outside the moving organs, in pieces of at least 1 mL, with the femoral heads."""
    moving = structures["CTV"] | structures["BLADDER"] | structures["RECTUM"]
    labels, count = ndimage.label((ct.array > threshold_HU) & structures["BODY"] & ~moving)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    keep = sizes * ct.voxel_mL >= 1.0
    keep[0] = False
    bone: Bool[Array, "x y z"] = keep[labels]
    for femur in ("FEMUR_L", "FEMUR_R"):
        bone |= structures.masks.get(femur, np.zeros_like(bone)) & ~moving
    return bone


def motion_modes(structures: Structures, bone: Bool[Array, "x y z"], *, coarse_mm: float = 6.0) -> Modes:
    """Six velocity fields: each the smoothest one (∇²v = 0) between the organ that moves, the others that hold, bone and skin.

    The raw fields are mixed so that the measured state answers to each coefficient alone at small amplitude. Raises StructureError
    when CTV, BLADDER, RECTUM or the bone is empty.
    """
    for name, mask in {**{n: structures[n] for n in ("BODY", "CTV", "BLADDER", "RECTUM")}, "BONE": bone}.items():
        if not mask.any():
            raise StructureError("an empty structure", where=name, remedy="the motion model needs it: contour it first")
    grid = _coarse(structures.grid, coarse_mm)
    regions = {name: _occupancy(structures[name], structures.grid, grid) for name in ("BLADDER", "RECTUM")}
    regions["BONE"] = _occupancy(bone, structures.grid, grid)
    regions["SKIN"] = 1.0 - _occupancy(structures["BODY"], structures.grid, grid)
    attached = (ndimage.distance_transform_edt(~structures["CTV"], sampling=structures.grid.spacing_mm) <= ATTACHED_mm) & ~bone
    regions["ATTACHED"] = _occupancy(attached, structures.grid, grid)
    regions["CTV"] = _occupancy(attached & ~structures["BLADDER"] & ~structures["RECTUM"], structures.grid, grid)
    x_mm = world_mm(grid, np.argwhere(np.ones(grid.shape, dtype=bool)).astype(np.float64)).reshape(*grid.shape, 3)
    raw = np.concatenate([build(structures, regions, x_mm, grid) for build in (_bladder, _rectum, _rigid)])
    modes = Modes(raw.astype(np.float32), grid.affine_mm, structures)
    unmix = np.linalg.inv(_response(modes))
    return replace(modes, velocities_mm=np.tensordot(unmix.T, raw, axes=1).astype(np.float32))


def _bladder(structures: Structures, regions: dict[str, Array], x_mm: Array, grid: Image) -> Float[Array, "1 x y z 3"]:
    """Bladder scaled about its neck, prostate, bone and skin held."""
    wanted = (x_mm - _neck_mm(structures)) * np.array(BLADDER_STRAIN)
    return _extend({"BLADDER": wanted}, ("CTV", "BONE", "SKIN"), regions, grid)[None]


def _rectum(structures: Structures, regions: dict[str, Array], x_mm: Array, grid: Image) -> Float[Array, "1 x y z 3"]:
    """Rectum scaled in each slice about its centreline, not in the anal canal; prostate, bone and skin held."""
    centre_mm, share = _centreline(structures, x_mm[0, 0, :, 2])
    wanted = 0.5 * share[:, None] * (x_mm - centre_mm) * np.array((1.0, 1.0, 0.0))
    return _extend({"RECTUM": wanted}, ("CTV", "BONE", "SKIN"), regions, grid)[None]


def _rigid(structures: Structures, regions: dict[str, Array], x_mm: Array, grid: Image) -> Float[Array, "4 x y z 3"]:
    """CTV and the tissue on it moved by 1 mm along x, y, z and turned by 1 degree about x; bone and skin held."""
    arm_mm = x_mm - centroid_mm(structures, "CTV")
    turn = np.radians(1.0) * np.cross((1.0, 0.0, 0.0), arm_mm)
    shifts = [np.broadcast_to(axis, x_mm.shape) for axis in np.eye(3)]
    return np.stack([_extend({"ATTACHED": wanted}, ("BONE", "SKIN"), regions, grid) for wanted in (*shifts, turn)])


def _extend(moving: dict[str, Array], held: tuple[str, ...], regions: dict[str, Array], grid: Image) -> Float[Array, "x y z 3"]:
    """The smoothest velocity with the wanted values in the moving regions and zero in the held ones, each met within its layer."""
    stiffness, pull = np.zeros(grid.shape), np.zeros((*grid.shape, 3))
    for name, wanted in moving.items():
        kappa = regions[name] / LAYER_mm.get(name, LAYER_mm["CTV"]) ** 2
        stiffness += kappa
        pull += kappa[..., None] * wanted
    for name in held:
        stiffness += regions[name] / LAYER_mm[name] ** 2
    target = pull / np.where(stiffness > 0, stiffness, 1.0)[..., None]
    return np.moveaxis(smoothest(np.moveaxis(target, -1, 0), stiffness, grid.spacing_mm), 0, -1)


def _neck_mm(structures: Structures) -> Float[Array, "3"]:
    """Mean position of the bladder's voxels that are within 3 mm of being the nearest to the CTV."""
    distance_mm = ndimage.distance_transform_edt(~structures["CTV"], sampling=structures.grid.spacing_mm)
    inside = np.where(structures["BLADDER"], distance_mm, np.inf)
    return world_mm(structures.grid, np.argwhere(inside <= inside.min() + 3.0).mean(axis=0, keepdims=True))[0]


def _centreline(structures: Structures, z_mm: Float[Array, "z"]) -> tuple[Float[Array, "z 3"], Float[Array, "z"]]:
    """Smoothed slice centroids of the rectum at heights z, and the share (0..1) with which each height takes part in filling."""
    points_mm = world_mm(structures.grid, np.argwhere(structures["RECTUM"]).astype(np.float64))
    heights = np.unique(points_mm[:, 2])
    centres = np.array([points_mm[points_mm[:, 2] == h].mean(axis=0) for h in heights])
    centres = ndimage.gaussian_filter1d(centres, 6.0 / structures.grid.spacing_mm[2], axis=0, mode="nearest")
    line = np.stack([np.interp(z_mm, heights, centres[:, 0]), np.interp(z_mm, heights, centres[:, 1]), z_mm], axis=1)
    return line, np.clip((z_mm - heights[0] - CANAL_mm[0]) / (CANAL_mm[1] - CANAL_mm[0]), 0.0, 1.0)


def _response(modes: Modes) -> Float[Array, "k k"]:
    """d(state)/d(coefficient) at rest by central differences."""
    steps = np.array([0.05, 0.05, 0.5, 0.5, 0.5, 0.5])
    columns = []
    for velocity, step in zip(velocities(modes), steps):
        ahead = exponential(replace(velocity, vectors_mm=velocity.vectors_mm * np.float32(step)))
        back = exponential(replace(velocity, vectors_mm=velocity.vectors_mm * np.float32(-step)))
        plus, minus = (measure(modes.planning, pull, push=push) for pull, push in ((back, ahead), (ahead, back)))
        columns.append((to_vector(plus) - to_vector(minus)) / (2 * step))
    return np.stack(columns, axis=1)


def _coarse(grid: Image, coarse_mm: float) -> Image:
    """Nodes on the axes of the grid, about coarse_mm apart, from its first to beyond its last voxel centre."""
    every = np.maximum(coarse_mm / grid.spacing_mm, 1.0)
    shape = [int(np.ceil((n - 1) / e - 1e-6)) + 1 for n, e in zip(grid.shape, every)]
    return Image(np.zeros(shape, np.float32), grid.affine_mm @ np.diag([*every, 1.0]), grid.frame)


def _occupancy(mask: Bool[Array, "x y z"], fine: Image, coarse: Image) -> Float[Array, "i j k"]:
    """Share (0..1) of the mask in the cell around each coarse node."""
    ratio = coarse.spacing_mm / fine.spacing_mm
    blurred = ndimage.gaussian_filter(mask.astype(np.float64), 0.4 * np.sqrt(np.maximum(ratio**2 - 1, 0)), mode="nearest")
    index = [np.arange(n) * r for n, r in zip(coarse.shape, ratio)]
    return np.clip(ndimage.map_coordinates(blurred, np.meshgrid(*index, indexing="ij"), order=1, mode="nearest"), 0.0, 1.0)
