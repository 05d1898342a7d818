"""Radioactive decay: evaluated data, chains, beta spectra, emissions."""

from gemel.engines.decay.bateman import bateman, decays, mixture
from gemel.engines.decay.beta import beta_spectrum
from gemel.engines.decay.emissions import Emissions, emissions
from gemel.engines.decay.table import BetaBranch, Branch, Nuclide, names, nuclide

__all__ = ["BetaBranch", "Branch", "Emissions", "Nuclide", "bateman", "beta_spectrum", "decays", "emissions", "mixture", "names", "nuclide"]
