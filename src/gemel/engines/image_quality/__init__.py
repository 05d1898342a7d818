"""What an imaging chain does to contrast and noise, measured from its images: transfer function and noise power."""

from gemel.engines.image_quality.noise_power import NoisePower, nps, radial
from gemel.engines.image_quality.transfer import Mtf, edge_spread, mtf, mtf_of_wire

__all__ = ["Mtf", "NoisePower", "edge_spread", "mtf", "mtf_of_wire", "nps", "radial"]
