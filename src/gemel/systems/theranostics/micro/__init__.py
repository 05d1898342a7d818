"""A tumour at the scale of its vessels: oxygen, tracers, ligand bound to receptors, dose by kernel, cells that survive.

Maps are (x, y, z), one slice thick where they come of a section; lengths in mm, times in s, oxygen in mmHg.
"""

from gemel.systems.theranostics.micro.binding import Ligand, penetration_mm, residence
from gemel.systems.theranostics.micro.driven import PlasmaCourse, Uptake, driven, plasma_of
from gemel.systems.theranostics.micro.effect import AC_225, LU_177, Radiation, receiving, section_dose_Gy, surviving
from gemel.systems.theranostics.micro.fdg import fdg, lactate
from gemel.systems.theranostics.micro.flt import flt
from gemel.systems.theranostics.micro.fmiso import flow_limited, fmiso
from gemel.systems.theranostics.micro.oxygen import blood_exchange_1_s, oxygen_mmHg, planar_reach_mm
from gemel.systems.theranostics.micro.spots import Spots, on_grid, read_spots
from gemel.systems.theranostics.micro.tracer import Plasma, Tracer, uptake
from gemel.systems.theranostics.micro.vessels import generated, stained

__all__ = [
    "AC_225",
    "LU_177",
    "Ligand",
    "Plasma",
    "PlasmaCourse",
    "Radiation",
    "Spots",
    "Tracer",
    "Uptake",
    "blood_exchange_1_s",
    "driven",
    "fdg",
    "flow_limited",
    "flt",
    "fmiso",
    "generated",
    "lactate",
    "on_grid",
    "oxygen_mmHg",
    "penetration_mm",
    "planar_reach_mm",
    "plasma_of",
    "read_spots",
    "receiving",
    "residence",
    "section_dose_Gy",
    "stained",
    "surviving",
    "uptake",
]
