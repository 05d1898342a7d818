"""Dose: water-equivalent depth, proton beam data, pencil beam, spots, and the physics of protons in water they are built from."""

from gemel.engines.dose.beam_data import BeamData, Layer
from gemel.engines.dose.calibration import hu_to_rsp
from gemel.engines.dose.path import fraction_through, water_equivalent_depth
from gemel.engines.dose.pencil_beam import influence
from gemel.engines.dose.spots import place_spots

__all__ = ["BeamData", "Layer", "fraction_through", "hu_to_rsp", "influence", "place_spots", "water_equivalent_depth"]
