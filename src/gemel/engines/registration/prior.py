"""What is known of the velocity before the images are compared: named modes plus a smooth random field, both normal."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Float32

from gemel.core.errors import RangeError
from gemel.core.image import Array, Image
from gemel.engines.registration.field import DisplacementField, coarse_grid, zero_field
from gemel.engines.registration.kernels import smooth_kernel
from gemel.engines.registration.warp import compose, pull

EVERY = 2  # voxels between nodes of the velocity


@dataclass(frozen=True)
class Smoothness:
    """Random part of the velocity: standard deviation of each component, and length of its Gaussian correlation exp(-r²/2l²)."""

    sd_mm: float = 4.0
    length_mm: float = 20.0


SMOOTH = Smoothness()


@dataclass(frozen=True)
class Modes:
    """Velocity fields V_k with independent normal amplitudes a_k."""

    fields: Sequence[DisplacementField]
    mean: Float[Array, "k"]
    sd: Float[Array, "k"]

    def __post_init__(self) -> None:
        if not len(self.fields) == len(self.mean) == len(self.sd) or (np.asarray(self.sd) <= 0).any():
            found = f"{len(self.fields)} modes with {len(self.mean)} means and {len(self.sd)} standard deviations"
            raise RangeError(found, where="Modes", remedy="give each mode a mean and a positive standard deviation")


@dataclass(frozen=True)
class VelocityPrior:
    """v = Σ (m_k + s_k a_k) V_k + scale · G z with a, z independent and standard normal; G z is a correlated field of unit variance."""

    modes: Float32[Array, "k n"]  # s_k V_k, flattened
    centre: Float32[Array, "x y z 3"]  # Σ m_k V_k
    scale: Float32[Array, "x y z 1"]
    taps: tuple[Array, Array, Array]
    affine_mm: Float[Array, "4 4"]

    @property
    def size(self) -> int:
        """Number of standard normal unknowns: modes first, then the nodes."""
        return len(self.modes) + self.centre.size

    def root(self, unit: Float32[Array, "n"]) -> Float32[Array, "x y z 3"]:
        """Deviation from the centre that standard normal numbers stand for."""
        k = len(self.modes)
        smooth = self.scale * self._filter(unit[k:].reshape(self.centre.shape))
        for amplitude, mode in zip(unit[:k], self.modes):
            smooth += amplitude * mode.reshape(smooth.shape)
        return smooth

    def transpose(self, v: Float32[Array, "x y z 3"]) -> Float32[Array, "n"]:
        """Adjoint of `root`."""
        along = np.array([np.vdot(mode, v) for mode in self.modes], np.float32)
        return np.concatenate([along, self._filter(self.scale * v).ravel()])

    def _filter(self, field: Array) -> Array:
        shape = field.shape
        for axis, taps in enumerate(self.taps):
            blocks = field.reshape(int(np.prod(shape[:axis])), shape[axis], -1)
            out = np.empty_like(blocks)
            smooth_kernel(blocks, taps, out)
            field = out.reshape(shape)
        return field


def velocity_prior(
    grid: Image, smoothness: Smoothness, *, modes: Modes | None = None, mobility: Float[Array, "x y z"] | None = None
) -> VelocityPrior:
    """Prior on nodes at every second voxel of the grid; mobility (0..1, on the grid) scales the random part."""
    shape, affine_mm = coarse_grid(grid, EVERY)
    nodes = zero_field(grid, EVERY)
    scale = np.full((*shape, 1), smoothness.sd_mm, np.float32)
    if mobility is not None:
        onto = Image(np.zeros(shape, np.float32), affine_mm)
        scale *= pull(replace(grid, array=mobility.astype(np.float32)), nodes, onto=onto).array[..., None]
    fields = [compose(field, nodes).vectors_mm for field in modes.fields] if modes else []
    stack = np.stack(fields) if modes and fields else np.zeros((0, *shape, 3), np.float32)
    mean, sd = (np.asarray(modes.mean), np.asarray(modes.sd)) if modes else (np.zeros(0), np.zeros(0))
    centre = np.tensordot(mean.astype(np.float32), stack, axes=1)
    spread = (stack.reshape(len(stack), 3 * int(np.prod(shape))) * sd[:, None]).astype(np.float32)
    x, y, z = (_taps(smoothness.length_mm / np.sqrt(2) / (EVERY * h)) for h in grid.spacing_mm)
    return VelocityPrior(spread, np.ascontiguousarray(centre), scale, (x, y, z), affine_mm)


def _taps(sd: float) -> Float32[Array, "t"]:
    """Gaussian filter, centre first, with unit sum of squares: white noise of unit variance in, unit variance out."""
    half = np.exp(-0.5 * (np.arange(int(3 * sd) + 2) / sd) ** 2)
    return (half / np.sqrt(half[0] ** 2 + 2 * np.sum(half[1:] ** 2))).astype(np.float32)
