"""Convection-enhanced delivery beside fibres: which catheter reaches the target, and how much of the drug leaks into the ventricle.

Shows `phantom` and `delivered` (Darcy's flow, then what it carries), `calculated` and the readouts of three catheters over draws of the
prior: porosity, anisotropy, loss and backflow are not known before an infusion was seen. Morrison et al. 1994, Am J Physiol 266:R292.
"""

import numpy as np

from gemel.core.parameter import draw_free
from gemel.engines.inference.course import named
from gemel.systems.infusion.catheter import Infusion
from gemel.systems.infusion.delivery import calculated
from gemel.systems.infusion.phantom import phantom
from gemel.systems.infusion.population import population
from gemel.systems.infusion.readouts import values

DRAWS = 16


def main() -> float:
    """Expected share of the infusion, in per cent, that leaks from the catheter next to the ventricle."""
    body = phantom(shape=24, spacing_mm=2.0, radius_mm=8.0)
    params = named(population(), draw_free(population(), DRAWS, np.random.default_rng(20)))
    leaks = {}
    for name in "ABC":
        one = Infusion(5.0, 3.0, name)
        found = values(calculated(body, params, ((one.kind, 0.0, one.hours),)))
        leaks[name] = float(found["leak_1"].mean())
        cover, reached = found["cover_1"], found["covered_mL"]
        print(f"{one.name:20} target {cover.mean():.2f} ± {cover.std():.2f}, {reached.mean():.1f} mL reached, {leaks[name]:.3f} leaks")
    return 100.0 * leaks["C"]


if __name__ == "__main__":
    print(main())
