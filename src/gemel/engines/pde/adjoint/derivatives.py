"""What `gradient` finds: the derivative of a misfit by all that went into a run."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Shaped

from gemel.core.image import Array
from gemel.engines.pde.events import Amount


@dataclass(frozen=True)
class EventGradient:
    """By ln survival and by what was added (a number where those were numbers, else maps), and along each of `log_survival_by`.

    Where the event has directions, `log_survival` is not kept: along each of them is what is asked for.
    """

    log_survival: Amount | None
    added: Amount
    along: tuple[float, ...]


@dataclass(frozen=True)
class ExposureGradient:
    """By the sensitivity (number or map), by the amount of each date, and by the decay."""

    sensitivity: Amount
    amount: Float[Array, "doses"]
    decay_1_d: float


@dataclass(frozen=True)
class Gradient:
    """By the field at 0, the diffusivity and the reaction's parameters (each as given: number or map), events and exposures in order.

    `k_1_d` and `capacity` are those of a standard reaction, else None.
    """

    u0: Shaped[Array, "x y z"]
    diffusivity_mm2_d: Amount
    parameters: tuple[Amount, ...]
    k_1_d: Amount | None
    capacity: Amount | None
    events: tuple[EventGradient, ...]
    exposures: tuple[ExposureGradient, ...]

    def along_events(self) -> Float[Array, "directions"]:
        """Sum over events along each of their common directions: by α and β of a course of `linear_quadratic` fractions."""
        return np.asarray(np.sum([event.along for event in self.events if event.along], axis=0, dtype=np.float64))


def total_by_region(labels: Shaped[Array, "x y z"], by_voxel: Shaped[Array, "x y z"]) -> dict[int, float]:
    """The derivative by one value a region from that by voxel: the sum over each label."""
    names, index = np.unique(labels, return_inverse=True)
    sums = np.bincount(index.ravel(), weights=np.asarray(by_voxel, dtype=np.float64).ravel())
    return {int(name): float(value) for name, value in zip(names, sums)}
