"""The in-silico cohort of Chaudhuri et al. 2023 (Front Artif Intell 6:1222612) under several priors and bounds on the fraction dose.

Published: 100 virtual patients; at 60 Gy the chosen schedules gain a median of about 6 days to progression, and at equal control need 10 Gy
(16.7 %) less. The table of priors of that paper could not be read, so priors from the literature are used and the spread over them is
printed: `python benchmarks/glioma_chaudhuri.py [patients]`.
"""

import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from gemel.core.parameter import Parameter
from gemel.systems.glioma.cohort import Trial, planned, summary
from gemel.systems.glioma.events import Setting
from gemel.systems.glioma.population import population
from gemel.systems.glioma.schedules import every
from gemel.systems.glioma.template import model_of

PRIORS: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "Stensjoen 2015, Qi 2006": {},
    "rho 0.045 /d (Rockne 2009)": {"rho_1_d": (0.045, 0.6), "alpha_1_Gy": (0.036, 0.5)},
    "fast, resistant": {"rho_1_d": (0.09, 0.5), "alpha_1_Gy": (0.04, 0.5)},
    "slow (Swanson 2000)": {"rho_1_d": (0.012, 0.5)},
}
BOUNDS = {
    "fractions <= 3 Gy": ((0.0, 1.0, 2.0, 3.0), np.inf),
    "fractions <= 4 Gy": ((0.0, 1.0, 2.0, 3.0, 4.0), np.inf),
    "fractions <= 5 Gy": ((0.0, 2.0, 3.0, 4.0, 5.0), np.inf),
    "<= 4 Gy, brain BED <= 140 Gy": ((0.0, 1.0, 2.0, 3.0, 4.0), 140.0),
}
SCANS_d = (0.0, 14.0, 28.0)


def changed(parameters: Sequence[Parameter], by: Mapping[str, tuple[float, float]]) -> tuple[Parameter, ...]:
    """Priors with other centres and spreads."""
    return tuple(replace(p, centre=by[p.name][0], spread=by[p.name][1]) if p.name in by else p for p in parameters)


def main(patients: int) -> None:
    """Prints a row a prior and bound."""
    print(f"{patients} patients a row, scans on days {SCANS_d}, superquantile of the worst fifth; load {os.getloadavg()[0]:.1f}")
    for prior, by in PRIORS.items():
        model = model_of(Setting(), changed(population(), by))
        for bound, (choices, most) in BOUNDS.items():
            began = time.process_time()
            trial = Trial(SCANS_d, 0.1, every(6, choices), most_BED_Gy=most, draws=200)
            told = summary([planned(model, trial, i) for i in range(patients)])
            numbers = f"+{told['gained_d']:5.1f} d ({told['gained_25_d']:.1f} to {told['gained_75_d']:.1f}), -{told['saved_Gy']:4.1f} Gy"
            print(f"{prior:28} {bound:30} usual {told['usual_d']:5.0f} d  {numbers}  {time.process_time() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
