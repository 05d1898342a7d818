"""From CT numbers to proton stopping power relative to water."""

from typing import overload

import numpy as np
from jaxtyping import Float, Shaped

from gemel.core.errors import RangeError
from gemel.core.image import Array, Image, with_array


@overload
def hu_to_rsp(hu: Image, table: Shaped[Array, "n 2"]) -> Image: ...
@overload
def hu_to_rsp(hu: Shaped[Array, "..."], table: Shaped[Array, "n 2"]) -> Float[Array, "..."]: ...
def hu_to_rsp(hu: Image | Shaped[Array, "..."], table: Shaped[Array, "n 2"]) -> Image | Float[Array, "..."]:
    """Relative stopping power, float32, by the piecewise-linear `table` of (HU, RSP); an Image gives an Image.

    Raises RangeError for NaN, for values outside the table, and for a table that does not ascend or goes below zero.
    """
    if isinstance(hu, Image):
        return with_array(hu, hu_to_rsp(hu.array, table))
    knots = np.asarray(table, dtype=np.float64)
    if len(knots) < 2 or not np.isfinite(knots).all() or (np.diff(knots[:, 0]) <= 0).any() or (knots[:, 1] < 0).any():
        raise RangeError("a table that is not ascending HU with RSP >= 0", where="HU table", remedy="give at least two finite rows, sorted")
    _require_inside(hu, float(knots[0, 0]), float(knots[-1, 0]))
    return np.asarray(np.interp(hu, knots[:, 0], knots[:, 1]), dtype=np.float32)


def _require_inside(hu: Shaped[Array, "..."], lowest: float, highest: float) -> None:
    if hu.size == 0:
        raise RangeError("an empty array", where="hu_to_rsp", remedy="pass a CT volume")
    least, most = float(hu.min()), float(hu.max())
    if not np.isfinite([least, most]).all():
        raise RangeError("CT numbers that are not finite", where="hu_to_rsp", remedy="fill NaN with air (-1000 HU) where that is true")
    if most > highest:
        remedy = "extend the HU table to this density, or assign the material by hand"
        raise RangeError(f"a CT number of {most:g} HU above the table's {highest:g}", where="hu_to_rsp", remedy=remedy)
    if least < lowest:
        remedy = "set padding outside the reconstructed circle to air (-1000 HU), or check the rescale intercept"
        raise RangeError(f"a CT number of {least:g} HU below the table's {lowest:g}", where="hu_to_rsp", remedy=remedy)
