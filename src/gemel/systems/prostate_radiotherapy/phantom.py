"""A pelvis that gemel draws itself: planning CT and structures of a made-up man, different for every seed."""

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from scipy import ndimage

from gemel.core.errors import RangeError
from gemel.core.image import Array, Image, world_mm
from gemel.core.structures import Structures
from gemel.systems.prostate_radiotherapy.solids import capsule, ellipsoid, ellipsoid_volume, tube

EXTENT_mm = ((-192.0, 192.0), (-123.0, 123.0), (-57.0, 117.0))
"""Field of view of the scan, LPS, about the centre of the prostate; head first supine."""


def digital_pelvis(rng: np.random.Generator, *, spacing_mm: float = 3.0, gas_mL: float = 0.0) -> tuple[Image, Structures]:
    """Planning CT (HU, float32) and the nine structures of a random pelvis; sizes and HU in phantom.json.

    Raises RangeError when the voxels are too coarse for the urethra (> 5 mm) or the gas would not fit the rectum.
    """
    if not 0.5 <= spacing_mm <= 5.0 or not 0.0 <= gas_mL <= 15.0:
        raise RangeError(f"{spacing_mm} mm voxels and {gas_mL} mL of gas", where="digital_pelvis", remedy="0.5 to 5 mm, 0 to 15 mL")
    table = json.loads(files(__package__).joinpath("phantom.json").read_text())
    size = {name: float(rng.uniform(*limits)) for name, limits in table["ranges"].items() if name != "note"}
    grid = _grid(spacing_mm)
    x_mm = world_mm(grid, np.argwhere(np.ones(grid.shape, dtype=bool)).astype(np.float64)).reshape(*grid.shape, 3)
    body, bone = _body(x_mm, size), _bone(x_mm, table, size["bone_scale"])
    masks, inner = _organs(x_mm, table["shape"], size, bone < 0)
    masks = {"BODY": body < 0, **masks, **_heads(x_mm, table, size["bone_scale"])}
    hu = _paint(x_mm, table, size, body=body, bone=bone, masks=masks, inner=inner)
    if gas_mL > 0:
        radius_mm = (gas_mL * 1000.0 / ellipsoid_volume()) ** (1 / 3)
        hu[(np.linalg.norm(x_mm - (0.0, 47.0, 35.0), axis=-1) < radius_mm) & inner["rectum_content"]] = table["HU"]["gas"]
    hu += _texture(table["texture"], spacing_mm, grid.shape, rng) * masks["BODY"]
    ct = Image(np.rint(hu).astype(np.float32), grid.affine_mm)
    return ct, Structures(ct, masks)


def _grid(spacing_mm: float) -> Image:
    shape = [int(np.floor((high - low) / spacing_mm)) + 1 for low, high in EXTENT_mm]
    affine = np.diag([spacing_mm, spacing_mm, spacing_mm, 1.0])
    affine[:3, 3] = [low for low, _ in EXTENT_mm]
    return Image(np.zeros(shape, np.float32), affine)


def _body(x_mm: Float[Array, "x y z 3"], size: Mapping[str, float]) -> Float[Array, "x y z"]:
    """Skin: an ellipse in each slice, fuller towards the thighs' sides than an ellipse and a little narrower above."""
    waist = 1.0 - 0.0006 * np.clip(x_mm[..., 2], 0.0, None)
    semi = np.array((size["body_half_width_mm"], size["body_half_depth_mm"]))
    radius = sum(np.abs(x_mm[..., i] / (semi[i] * waist)) ** 2.3 for i in (0, 1)) ** (1 / 2.3)
    return (radius - 1.0) * float(semi.min())


def _bone(x_mm: Float[Array, "x y z 3"], table: Mapping[str, Any], scale: float) -> Float[Array, "x y z"]:
    """Both hip bones, femurs and the sacrum: the union of capsules, mirrored about the mid-plane, with a joint space at the hip."""
    half = np.concatenate([np.abs(x_mm[..., :1]), x_mm[..., 1:]], axis=-1)
    head = scale * np.array(table["femoral_head_mm"], dtype=np.float64)
    radius_mm = scale * table["shape"]["femoral_head_radius_mm"]
    solids = {
        b["name"]: capsule(half, scale * np.array([b["from_mm"], b["to_mm"]], float), scale * np.array(b["radius_mm"], float))
        for b in table["bones"]
    }
    from_head = np.linalg.norm(half - head, axis=-1)
    socket = np.maximum(from_head - radius_mm - 12.0, half[..., 0] - head[0] + 0.2 * (half[..., 2] - head[2]) - 2.0)
    femur = np.minimum.reduce([from_head - radius_mm] + [d for n, d in solids.items() if n.startswith(("femoral", "greater"))])
    hip = np.minimum.reduce([socket] + [d for n, d in solids.items() if not n.startswith(("femoral", "greater"))])
    return np.minimum(np.maximum(hip, radius_mm + 3.0 - from_head), femur)


def _heads(x_mm: Float[Array, "x y z 3"], table: Mapping[str, Any], scale: float) -> dict[str, Bool[Array, "x y z"]]:
    """Femoral heads; the patient's left is +x."""
    head, radius_mm = scale * np.array(table["femoral_head_mm"], float), scale * table["shape"]["femoral_head_radius_mm"]
    return {name: np.linalg.norm(x_mm - head * (side, 1, 1), axis=-1) <= radius_mm for name, side in (("FEMUR_L", 1.0), ("FEMUR_R", -1.0))}


def _organs(
    x_mm: Float[Array, "x y z 3"], shape: Mapping[str, Any], size: Mapping[str, float], bone: Bool[Array, "x y z"]
) -> tuple[dict[str, Bool[Array, "x y z"]], dict[str, Bool[Array, "x y z"]]]:
    """Structures (outer walls), and the contents of bladder and rectum; organs do not overlap each other or bone."""
    ctv_axes = np.array(shape["ctv_semi_axes"]) * (size["ctv_mL"] * 1000.0 / ellipsoid_volume(shape["ctv_power"])) ** (1 / 3)
    ctv = ellipsoid(x_mm, np.zeros(3), ctv_axes, power=shape["ctv_power"]) < 0
    bladder_axes = np.array(shape["bladder_semi_axes"]) * (size["bladder_mL"] * 1000.0 / ellipsoid_volume()) ** (1 / 3)
    bladder_z_mm = ctv_axes[2] + bladder_axes[2] - shape["bladder_overlap_mm"]
    bladder = ellipsoid(x_mm, np.array((0.0, shape["bladder_centre_y_mm"], bladder_z_mm)), bladder_axes)
    line = np.array(shape["rectum_line"], float)
    relative = np.array(shape["rectum_relative_radius"])
    radius_mm = np.sqrt(size["rectum_mL"] * 1000.0 / (np.pi * np.trapezoid(relative**2, line[:, 0])))
    line[:, 1] += ctv_axes[1] - 17.0 + radius_mm - 13.0  # stays behind the prostate
    rectum = tube(x_mm, line, radius_mm * relative)
    free = ~ctv & ~ndimage.binary_dilation(bone)
    urethra = ctv & (np.hypot(x_mm[..., 0], x_mm[..., 1] + 2.0 + 0.1 * x_mm[..., 2]) < shape["urethra_radius_mm"])
    side = np.sign(size["dil_side"]) or 1.0
    lesion_mm = ctv_axes * (0.48 * side, 0.5, -0.1)
    masks = {
        "CTV": ctv,
        "DIL": ctv & ~urethra & (np.linalg.norm(x_mm - lesion_mm, axis=-1) < size["dil_radius_mm"]),
        "URETHRA": urethra,
        "BLADDER": (bladder < 0) & free,
        "RECTUM": (rectum < 0) & free & ~(bladder < 0),
    }
    near = ellipsoid(x_mm, np.zeros(3), ctv_axes + shape["bladder_neck_mm"], power=shape["ctv_power"]) < 0
    masks["BLADDER_NECK"] = masks["BLADDER"] & near
    urine = masks["BLADDER"] & (bladder < -shape["bladder_wall_mm"])
    return masks, {"urine": urine, "rectum_content": masks["RECTUM"] & (rectum < -shape["rectum_wall_mm"])}


def _paint(
    x_mm: Float[Array, "x y z 3"], table: Mapping[str, Any], size: Mapping[str, float], *,
    body: Array, bone: Array, masks: Mapping[str, Array], inner: Mapping[str, Array],
) -> Float[Array, "x y z"]:  # fmt: skip
    """HU of every voxel, from the outside inwards; later layers cover earlier ones."""
    shape = table["shape"]
    cavity = ellipsoid(x_mm, np.array(shape["cavity_centre_mm"], float), np.array(shape["cavity_semi_axes_mm"], float))
    fat_mm = size["fat_mm"] * (1.0 + 0.35 * np.clip(x_mm[..., 1] / 100.0, -1.0, 1.0))
    rings, rays = np.sin(np.hypot(x_mm[..., 0], x_mm[..., 1]) / 14.0), np.sin(x_mm[..., 0] / 17.0 + 0.6 * np.sin(x_mm[..., 1] / 23.0))
    seam = np.abs(rays * rings) < 0.07  # fat between muscles
    layers = {
        "skin": body < 0, "fat": body < -2.0, "muscle": (body < -fat_mm) & ~seam, "pelvic_fat": cavity < 0,
        "cortex": bone < 0, "marrow": bone < -shape["cortex_mm"], "bladder_wall": masks["BLADDER"], "urine": inner["urine"],
        "rectum_wall": masks["RECTUM"], "rectum_content": inner["rectum_content"],
        "prostate": masks["CTV"], "lesion": masks["DIL"], "urethra": masks["URETHRA"],
    }  # fmt: skip
    hu = np.full(body.shape, float(table["HU"]["air"]))
    for name, where in layers.items():
        hu[where & masks["BODY"]] = table["HU"][name]
    return ndimage.gaussian_filter(hu, 0.35)


def _texture(table: Mapping[str, float], spacing_mm: float, shape: tuple[int, ...], rng: np.random.Generator) -> Float[Array, "x y z"]:
    """White noise of the scan and smooth unevenness of tissue."""
    fine = rng.normal(0.0, table["fine_sd_HU"], shape)
    coarse = ndimage.gaussian_filter(rng.normal(0.0, 1.0, shape), table["coarse_mm"] / spacing_mm)
    return fine + coarse * table["coarse_sd_HU"] / coarse.std()
