"""DTI's tensor where the field is: its directions and their shares, without its size.

Cells follow fibres as water does: D(x)/D̄(x), D̄ a third of the trace. Jbabdi et al. 2005, Magn Reson Med 54:616; Painter & Hillen 2013, J
Theor Biol 323:25.
"""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Bool, Float, Int

from gemel.core.errors import GeometryError, RangeError, StructureError
from gemel.core.image import Array, Image

PARTS = ("xx", "xy", "xz", "yy", "yz", "zz")
ROUND = np.array([1.0, 0.0, 0.0, 1.0, 0.0, 1.0], dtype=np.float32)
LEAST, MOST = 0.1e-3, 4e-3
"""Mean diffusivity of brain and fluid, mm²/s. Pierpaoli et al. 1996, Radiology 201:637 (0.7e-3 and 3.2e-3), with room."""


def tensor_on(
    dti: Mapping[str, Image], where: tuple[Int[Array, "n 3"], Bool[Array, "n"]], mask: Bool[Array, "x y z"]
) -> Float[Array, "x y z 6"]:
    """Of the nearest voxel of each place; where: that voxel, and whether there is one. Outside the brain the unit tensor.

    Raises StructureError for tensors that do not cover the brain around the tumour, RangeError for ones that are not positive or in
    another unit.
    """
    at, inside = where
    if not inside.reshape(mask.shape)[mask].all():
        raise StructureError("a tensor that does not cover the brain around the tumour", where="dti", remedy="export it on a larger grid")
    found, here = np.tile(ROUND, (mask.size, 1)), mask.ravel()
    for n, name in enumerate(PARTS):
        found[here, n] = dti[name].array[tuple(at[here].T)] if name in dti else 0.0
    values = found[here]
    mean = values[:, (0, 3, 5)].mean(axis=1)
    if not np.isfinite(values).all() or not ((mean > LEAST) & (mean < MOST)).all():
        said = f"mean diffusivities of {mean.min():.3g} to {mean.max():.3g} mm2/s"
        raise RangeError(said, where="dti", remedy=f"brain has {LEAST:g} to {MOST:g}: check the unit, and that the tensor covers the brain")
    bad = int((_least(values) <= 0).sum())
    if bad:
        raise RangeError(f"tensors that are not positive in {bad} voxels", where="dti", remedy="fit them with a constraint, or mask noise")
    found[here] = values / mean[:, None]
    return np.asarray(found.reshape(*mask.shape, 6), dtype=np.float32)


def _least(values: Float[Array, "n 6"]) -> Float[Array, "n"]:
    """Smallest eigenvalue."""
    whole = values[:, (0, 1, 2, 1, 3, 4, 2, 4, 5)].reshape(-1, 3, 3).astype(np.float64)
    return np.asarray(np.linalg.eigvalsh(whole)[:, 0])


def require_frame(dti: Mapping[str, Image], grid: Image) -> None:
    """Raises GeometryError for a tensor of another frame."""
    frame = dti["xx"].frame
    if frame and grid.frame and frame != grid.frame:
        raise GeometryError(f"a tensor of frame {frame}", where=grid.frame, remedy="register DTI to the first MRI before")
