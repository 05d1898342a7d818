"""The channelised Hotelling observer, trained on images, and what finite numbers of images do to its detectability."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gemel.core.errors import GeometryError, RangeError
from gemel.core.image import Array
from gemel.engines.observers.hotelling import hotelling


@dataclass(frozen=True)
class Channelised:
    """Channels, template in channels, resubstituted D², and an estimate of d'² freed of its bias (it can be negative)."""

    channels: Float[Array, "n c"]
    template: Float[Array, "c"]
    resubstituted_square: float
    unbiased_square: float


def channelised(present: Float[Array, "images n"], absent: Float[Array, "images2 _"], channels: Float[Array, "_ c"]) -> Channelised:
    """Train on images with and without the signal: w = K⁻¹ Δv, K pooled over both sets. Myers & Barrett 1987, J Opt Soc Am A 4:2447.

    Raises GeometryError for images and channels of different pixels, RangeError when there are too few images for the channels, or values
    that are not finite.
    """
    _require_alike(present, absent, channels)
    v1, v0 = present @ channels, absent @ channels
    n1, n0, p = len(v1), len(v0), channels.shape[1]
    if n1 + n0 - 2 <= p + 1:
        raise RangeError(
            f"{n1} + {n0} images for {p} channels", where="channelised", remedy="use fewer channels or more than channels + 3 images"
        )
    difference = v1.mean(axis=0) - v0.mean(axis=0)
    square, template = _distance(difference, ((n1 - 1) * _scatter(v1) + (n0 - 1) * _scatter(v0)) / (n1 + n0 - 2))
    return Channelised(channels, template, square, unbiased_square(square, channels=p, present=n1, absent=n0))


def observed(observer: Channelised, images: Float[Array, "images n"]) -> Float[Array, "images"]:
    """Ratings wᵀ Uᵀ g of images, larger where the signal is believed; of images that it was not trained on they err low, never high."""
    return np.asarray(images @ (observer.channels @ observer.template))


def expected_square(square: float, *, channels: int, present: int, absent: int) -> float:
    """E[D²] = ν/(ν−p−1) (d'² + p (1/n₁ + 1/n₀)), ν = n₁ + n₀ − 2, of the resubstituted distance of normal channel outputs.

    Lachenbruch & Mickey 1968, Technometrics 10:1. Raises RangeError where the mean does not exist (ν ≤ p + 1).
    """
    factor, offset = _bias(channels, present, absent)
    return factor * (square + offset)


def unbiased_square(resubstituted: float, *, channels: int, present: int, absent: int) -> float:
    """d'² without the bias of `expected_square`; negative when the images show less than chance would."""
    factor, offset = _bias(channels, present, absent)
    return resubstituted / factor - offset


def _require_alike(present: Float[Array, "_ _"], absent: Float[Array, "_ _"], channels: Float[Array, "_ _"]) -> None:
    shapes = present.shape, absent.shape, channels.shape
    if any(len(shape) != 2 for shape in shapes) or not present.shape[1] == absent.shape[1] == len(channels):
        found = f"images of {shapes[0]} and {shapes[1]}, channels of {shapes[2]}"
        raise GeometryError(found, where="channelised", remedy="give images (images, pixels) and channels (pixels, channels)")


def _bias(p: int, n1: int, n0: int) -> tuple[float, float]:
    nu = n1 + n0 - 2
    if min(n1, n0) < 1 or nu <= p + 1:
        raise RangeError(f"{n1} + {n0} images for {p} channels", where="channelised", remedy="use more than channels + 3 images")
    return nu / (nu - p - 1), p * (1 / n1 + 1 / n0)


def _scatter(v: Float[Array, "images c"]) -> Float[Array, "c c"]:
    return np.atleast_2d(np.cov(v, rowvar=False))


def _distance(difference: Float[Array, "c"], covariance: Float[Array, "c c"]) -> tuple[float, Float[Array, "c"]]:
    d, template = hotelling(difference, covariance)
    return d * d, template
