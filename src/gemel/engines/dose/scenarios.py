"""Influence matrices under errors of set-up and range, from depths that were traced once."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float
from scipy.sparse import csc_matrix

from gemel.core.errors import RangeError
from gemel.core.image import Array, with_array
from gemel.engines.dose.pencil_beam import matrix
from gemel.engines.dose.range_shifter import shifter_of
from gemel.engines.dose.traced import Traced, layers


@dataclass(frozen=True)
class Error:
    """The patient lies `shift_mm` (LPS) beside where he was planned, and every stopping power is `range_factor` times what it seems."""

    shift_mm: Float[Array, "3"]
    range_factor: float

    def __post_init__(self) -> None:
        if not (np.isfinite(self.shift_mm).all() and np.isfinite(self.range_factor) and self.range_factor > 0):
            found = f"a shift of {self.shift_mm} mm with a range factor of {self.range_factor}"
            raise RangeError(found, where="Error", remedy="pass three finite millimetres and a factor above 0, 1 for none")


def influence_scenarios(traced: Traced, errors: Iterable[Error], *, voxels: Bool[Array, "x y z"] | None = None) -> Iterator[csc_matrix]:
    """One influence matrix an error, made when it is asked for; only the rows of `voxels` are filled when they are given.

    Equal to `influence(factor × rsp, spots, machine, isocentre − shift)`, but the rays are not traced again. Spots that give no dose
    under an error are not looked for.
    """
    for error in errors:
        yield matrix(under(traced, error), voxels, checked=False)


def under(traced: Traced, error: Error) -> Traced:
    """The same spots under an error: parallel beams keep their depths when the patient is shifted, a range error scales them."""
    centre_mm, factor = traced.isocentre_mm - error.shift_mm, np.float32(error.range_factor)
    views = traced.views
    if factor != 1:
        views = tuple(replace(view, depth_mm=factor * view.depth_mm) for view in views)
    rsp, rows, lookup = traced.rsp, traced.rows, traced.lookup
    if shifter_of(traced.machine):
        rsp = with_array(rsp, factor * rsp.array)
        rows, lookup = layers(rsp, traced.plan, traced.machine, centre_mm, kept=traced.kept)
    return replace(traced, rsp=rsp, isocentre_mm=centre_mm, views=views, rows=rows, lookup=lookup)
