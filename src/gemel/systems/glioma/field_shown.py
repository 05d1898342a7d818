"""What images show of the field member: two volumes, and where each reaches in twelve directions, of every draw at once."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from gemel.core.belief import Params
from gemel.core.errors import InputError
from gemel.core.image import Array
from gemel.core.record import Observation
from gemel.systems.glioma import shape
from gemel.systems.glioma.events import Dated
from gemel.systems.glioma.field import FLAIR as FLAIR_EDGE
from gemel.systems.glioma.field import T1GD
from gemel.systems.glioma.field_course import LEAST_mL, course, seen_mL, within
from gemel.systems.glioma.ground import Ground
from gemel.systems.glioma.learning import ENHANCING, FLAIR

VOLUMES = {ENHANCING: 0, FLAIR: 1}
SHAPES = {shape.KINDS["enhancing"]: slice(2, 2 + shape.PARTS), shape.KINDS["flair"]: slice(2 + shape.PARTS, 2 + 2 * shape.PARTS)}
KINDS = (*VOLUMES, *SHAPES)


def shown(on: Ground, params: Params, events: Sequence[Dated], ages_s: Sequence[float]) -> Float[Array, "draws times features"]:
    """Both volumes in mL and both shapes in mm at ascending ages."""
    of = shape.parts(on)
    return course(on, params, events, ages_s, lambda seen: _features(on, of, seen))


def _features(on: Ground, of: Int[Array, "x y z"], seen: Float[Array, "x y z"]) -> Float[Array, "features"]:
    over = [within(seen, edge) for edge in (T1GD, FLAIR_EDGE)]
    volumes = [share.sum(dtype=np.float64) * on.grid.voxel_mL for share in over]
    return np.concatenate([volumes, *(shape.radii_mm(on, of, share) for share in over)])


def volumes_mL(
    on: Ground, params: Params, events: Sequence[Dated], ages_s: Sequence[float], *, dead: bool = True
) -> Float[Array, "draws times 2"]:
    """Volumes of every draw at ascending ages; of living cells alone unless `dead`."""
    return course(on, params, events, ages_s, lambda cells: seen_mL(on, cells), dead=dead)


def ln_mL(mL: Float[Array, "..."]) -> Float[Array, "..."]:
    """ln of a volume that may vanish: √(V² + 0.3²)."""
    return np.asarray(np.log(np.hypot(mL, LEAST_mL)))


def predicted(kind: str, features: Float[Array, "... features"]) -> Float[Array, "... m"]:
    """What an observation of that kind would be, without discrepancy."""
    return ln_mL(features[..., VOLUMES[kind], None]) if kind in VOLUMES else np.asarray(features[..., SHAPES[kind]])


def require_shapes(seen: Sequence[Observation]) -> None:
    """Raises InputError for values that are not as the model predicts them."""
    for o in seen:
        m = 1 if o.kind in VOLUMES else shape.PARTS
        if o.value.shape != (m,):
            raise InputError(f"a value of shape {o.value.shape}", where=o.kind, remedy=f"pass one of shape ({m},)")
