"""From an image to what protons meet in each voxel."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Float32, Shaped

from gemel.core.errors import RangeError
from gemel.core.image import Array, Image
from gemel.engines.dose.calibration import hu_to_rsp
from gemel.engines.dose.monte_carlo.multiple_scattering import WATER_BY_MASS, scattering_per_mass_cm2_g
from gemel.engines.dose.monte_carlo.nuclear import nuclei_per_mass
from gemel.engines.dose.path import require_rsp
from gemel.engines.dose.tissues import compositions, default_hu_rsp_table, density_g_cm3, section_index

Values = Literal["auto", "rsp", "hu"]
MOST_RSP = 4.0  # titanium has 3.2; more is a CT number or a metal that must be said
DOUBT = 1.0  # negative values up to this may be CT numbers of water or an undershoot of resampled RSP


@dataclass(frozen=True)
class Media:
    """By voxel, linear and relative to water: stopping power, scattering, hydrogen and other nuclei; and the mass density."""

    relative: Float32[Array, "x y z 4"]
    density_g_cm3: Float32[Array, "x y z"]


def media_of(image: Image, values: Values, table: Shaped[Array, "n 2"] | None) -> Media:
    """An image of RSP as water of that density; one of CT numbers as the tissues of Schneider W et al. 2000, Phys Med Biol 45:459.

    Stopping power of CT numbers is by `table` (HU, RSP), the pencil beam's default if None, so that ranges agree with it.
    Raises RangeError for what is not finite, outside the table, or cannot be told apart.
    """
    if not np.isfinite(image.array).all():
        raise RangeError(
            "voxels that are not finite", where="image", remedy="fill NaN with air (-1000 HU, or RSP 0.001) where that is true"
        )
    if _kind(image.array, values) == "rsp":
        require_rsp(image)
        density = image.array.astype(np.float32)
        return Media(np.repeat(density[..., None], 4, axis=-1), density)
    return _tissues(image.array, default_hu_rsp_table() if table is None else table)


def _kind(array: Shaped[Array, "x y z"], values: Values) -> Literal["rsp", "hu"]:
    """RSP lies in 0 to 4, CT numbers do not stay there; an image of zeros is water in CT numbers."""
    if values not in ("auto", "rsp", "hu"):
        raise RangeError(f"values={values!r}", where="monte_carlo", remedy='say "auto", "rsp" or "hu"')
    if values != "auto":
        return values
    least, most = float(array.min()), float(array.max())
    if least < -DOUBT or most > 5 * MOST_RSP or least == most == 0:
        return "hu"
    if least >= 0 and most <= MOST_RSP and not np.issubdtype(array.dtype, np.integer):
        return "rsp"
    found = f"values from {least:g} to {most:g} ({array.dtype}) that may be CT numbers or stopping powers"
    raise RangeError(found, where="image", remedy='say values="hu" or values="rsp"')


def _tissues(hu: Shaped[Array, "x y z"], table: Shaped[Array, "n 2"]) -> Media:
    rsp = hu_to_rsp(hu, table)
    density = density_g_cm3(hu).astype(np.float32)
    per_mass = _relative_per_mass().astype(np.float32)[section_index(hu)]
    return Media(np.concatenate([rsp[..., None], density[..., None] * per_mass], axis=-1), density)


def _relative_per_mass() -> Float[Array, "s 3"]:
    """Scattering, hydrogen and other nuclei per gram of each section's tissue, relative to water."""
    rows = [(scattering_per_mass_cm2_g(weights), *nuclei_per_mass(weights)) for weights in (WATER_BY_MASS, *compositions())]
    return np.array(rows[1:]) / np.array(rows[0])
