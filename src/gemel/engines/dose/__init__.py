"""Dose: water-equivalent depth, proton beam data, pencil beam, spots, and the physics of protons in water they are built from."""

from gemel.engines.dose.beam_data import BeamData, Layer
from gemel.engines.dose.calibration import hu_to_rsp
from gemel.engines.dose.entry import require_whole_body
from gemel.engines.dose.linear_energy_transfer import let_of_plan_keV_um
from gemel.engines.dose.path import fraction_through, water_equivalent_depth
from gemel.engines.dose.pencil_beam import influence, influence_with_let
from gemel.engines.dose.range_shifter import RangeShifter, ShiftedBeam
from gemel.engines.dose.scenarios import Error, influence_scenarios
from gemel.engines.dose.spots import SpotGrid, place_spots
from gemel.engines.dose.traced import Traced, trace

__all__ = [
    "BeamData",
    "Error",
    "Layer",
    "RangeShifter",
    "ShiftedBeam",
    "SpotGrid",
    "Traced",
    "fraction_through",
    "hu_to_rsp",
    "influence",
    "influence_scenarios",
    "influence_with_let",
    "let_of_plan_keV_um",
    "place_spots",
    "require_whole_body",
    "trace",
    "water_equivalent_depth",
]
