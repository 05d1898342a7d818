"""The voxels of a mask as stretches of flat planes: what a kernel walks along."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from gemel.core.image import Array
from gemel.engines.pde.domain import Domain

GAP = 128  # voxels outside the mask that cost less to compute than a new stretch to begin


@dataclass(frozen=True)
class Spans:
    """Half-open stretches of each plane x, flat over (y, z) of the padded grid: rows first[x] to first[x + 1] of `table`.

    `weight`: voxels computed up to each plane, by which the planes are shared out; `stride`: voxels from one y to the next.
    """

    table: Int[Array, "spans 2"]
    first: Int[Array, "planes"]
    weight: Int[Array, "planes"]
    stride: int

    def slabs(self, count: int) -> Int[Array, "ends"]:
        """Planes where each of up to `count` shares of equal work begins, and the end; those on the border are nobody's."""
        goals = self.weight[-1] * np.arange(1, count) / count
        inner = np.searchsorted(self.weight, goals)
        return np.unique(np.concatenate([[1], np.clip(inner, 1, len(self.weight) - 2), [len(self.weight) - 2]])).astype(np.int64)


def spans(on: Domain, gap: int = GAP) -> Spans:
    """Runs of the mask, joined over gaps of up to `gap` voxels; give 0 where a rate is not zero at u = 0: what is outside must stay 0."""
    planes, _, stride = on.inside.shape
    x, start, stop = on.runs[:, 0], on.runs[:, 1] * stride + on.runs[:, 2], on.runs[:, 1] * stride + on.runs[:, 3]
    begins = np.concatenate([[True], (np.diff(x) > 0) | (start[1:] - stop[:-1] > gap)])
    ends = np.concatenate([begins[1:], [True]])
    table = np.column_stack([start[begins], stop[ends]])
    found = np.searchsorted(x[begins], np.arange(planes + 1))
    work = np.concatenate([[0], np.cumsum(table[:, 1] - table[:, 0])])[found]
    return Spans(np.ascontiguousarray(table), found.astype(np.int64), work.astype(np.int64), stride)
