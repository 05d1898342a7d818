"""How many cells a voxel holds, from the diffusion of its water: N/θ = (ADC_w − ADC)/(ADC_w − ADC_min), with its error.

Atuegwu et al. 2011, Phys Med Biol 56:7753, eq. 2 (after Anderson et al. 2000, Magn Reson Imaging 18:689, who saw the linear relation).
"""

import numpy as np
from jaxtyping import Bool, Float

from gemel.core.errors import RangeError
from gemel.core.image import Array

ADC_WATER_mm2_s = 3.0e-3
"""Free water at 37 degC: Mills 1973, J Phys Chem 77:685."""
CAPACITY_1_mm3 = 0.7405 / (4.0 / 3.0 * np.pi * 0.010**3)
"""θ: spheres of 10 µm radius packed as densely as spheres can be (Martin et al. 1998, Phys Rev E 57:5). It scales all numbers of cells."""
LOWEST_PERCENTILE = 1.0
LEAST_RANGE_mm2_s = 5e-4
REPEAT_1 = 0.048
"""Within-subject coefficient of variation of a breast tumour's mean ADC, retested: Newitt et al. 2019, J Magn Reson Imaging 49:1617."""
VOXEL_1 = 0.10
"""Of one voxel's ADC beside it. Assumed: the noise of b = 0 and 800 s/mm2 at a signal-to-noise ratio of about 20."""


def lowest(adc_mm2_s: Float[Array, "x y z"], tumour: Bool[Array, "x y z"]) -> float:
    """ADC_min, where cells are packed to capacity: the first percentile in the tumour, which single noisy voxels do not move.

    Raises RangeError when it leaves no room below free water.
    """
    found = float(np.percentile(adc_mm2_s[tumour], LOWEST_PERCENTILE))
    if not 0 < found <= ADC_WATER_mm2_s - LEAST_RANGE_mm2_s:
        raise RangeError(
            f"a lowest ADC of {found:.3g} mm2/s", where="cellularity", remedy="check the unit, and that the outline holds solid tumour"
        )
    return found


def packing(adc_mm2_s: Float[Array, "..."], lowest_mm2_s: float) -> Float[Array, "..."]:
    """N/θ of each voxel, cut to 0 and 1."""
    share = (ADC_WATER_mm2_s - np.asarray(adc_mm2_s, dtype=np.float64)) / (ADC_WATER_mm2_s - lowest_mm2_s)
    return np.asarray(np.clip(share, 0.0, 1.0))


def adc_of(share: Float[Array, "..."], lowest_mm2_s: float) -> Float[Array, "..."]:
    """The ADC (mm2/s) of a voxel filled to a share of its capacity; inverse of `packing`."""
    return np.asarray(ADC_WATER_mm2_s - np.asarray(share, dtype=np.float64) * (ADC_WATER_mm2_s - lowest_mm2_s))


def relative_error(adc_mm2_s: Float[Array, "n"], lowest_mm2_s: float) -> float:
    """Relative sd of the number of cells of some voxels: REPEAT_1 of all ADC together, VOXEL_1 of each alone.

    dN/N = ADC·ε/Σ(ADC_w − ADC): the fewer cells, the worse known.
    """
    adc = np.asarray(adc_mm2_s, dtype=np.float64)
    held = float(np.maximum(ADC_WATER_mm2_s - adc, 0.02 * ADC_WATER_mm2_s).sum())
    return float(np.hypot(REPEAT_1 * adc.sum(), VOXEL_1 * np.sqrt(np.square(adc).sum())) / held)
