"""FLT: kept by cells that make DNA; slower to spread in fibrous tissue."""

import numpy as np
from jaxtyping import Float

from gemel.core.errors import RangeError
from gemel.core.image import Array
from gemel.systems.theranostics.micro.tracer import Tracer

D_MM2_S = 5.0e-5  # of the order of other molecules of 200 to 250 Da in tumours (that of FMISO; assumption)
FIBROUS_1 = 0.3  # share of that in dense collagen: Netti et al. 2000, Cancer Res 60:2497, order (larger molecules, 0.2 to 0.6)
TRAP_1_S = 0.07 / 60  # k₃ of fast tumours, Muzi et al. 2005, J Nucl Med 46:371, order
EXCHANGE_1_S = 0.1


def flt(proliferating_1: Float[Array, "x y z"], fibrous_1: Float[Array, "x y z"]) -> Tracer:
    """Trapping in proportion to the fraction of cells that proliferate, D = D₀ (1 − (1 − s) fibrous).

    Raises RangeError for fractions outside 0 to 1.
    """
    for name, value in (("proliferating_1", proliferating_1), ("fibrous_1", fibrous_1)):
        if not (np.isfinite(value).all() and value.min() >= 0 and value.max() <= 1):
            raise RangeError("a fraction outside 0 to 1", where=name, remedy="give the part of each voxel, 0 to 1")
    return Tracer(D_MM2_S * (1.0 - (1.0 - FIBROUS_1) * fibrous_1), EXCHANGE_1_S, TRAP_1_S * proliferating_1)
