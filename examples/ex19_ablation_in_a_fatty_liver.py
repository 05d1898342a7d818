"""Microwaves in a fatty liver: what one application shows of this liver, and how long the next must be for the tumour and its margin.

Shows `phantom` and `field` (heat and damage), `model_of` (the twin's model) and readouts after a plan. A made-up liver with more blood and
a poorer antenna than most: the zone of a first, short application is seen, and cover of the target is forecast before and after.
"""

import numpy as np

from gemel.core import twin as twins
from gemel.core.record import Action, Observation
from gemel.engines.inference.slow_model import mL
from gemel.systems.ablation.applicator import Application
from gemel.systems.ablation.heat import ASPECT, VOLUME, calculated, cover_1, features, field
from gemel.systems.ablation.judge import actions
from gemel.systems.ablation.phantom import phantom
from gemel.systems.ablation.template import model_of

TRUTH = {"perfusion_1_s": 0.026, "tumour_perfusion_1": 0.7, "conductivity_1": 1.0, "efficiency_1": 0.5, "length_mm": 10.0}
FIRST, LONGER = Application(30.0, 3.0, "A"), ("30 W 5 min at A", "45 W 5 min at A", "60 W 8 min at A")
DRAWS = 400


def main() -> float:
    """Expected cover of tumour and margin by 45 W for 5 min on top of the first application, after its zone was seen."""
    body = phantom(shape=24, spacing_mm=3.0, radius_mm=14.0, fat_1=0.2)
    seen = features(body, field(body, TRUTH, (FIRST,)))
    print(f"zone of {FIRST.name}: {mL(seen[[VOLUME]])[0]:.1f} mL, length over width {np.exp(seen[ASPECT]):.2f}")
    before = twins.assimilate(twins.new(model_of(body), 0.0, 19), (Action(FIRST.kind, 60.0, FIRST.minutes, "min", "given"),))
    scan = [
        Observation(kind, 7200.0, seen[[at]], np.array([sd]), "CT")
        for kind, at, sd in (("ln_zone_1", VOLUME, 0.1), ("ln_aspect_1", ASPECT, 0.06))
    ]
    after = twins.assimilate(before, tuple(scan))
    cover = {}
    for name in LONGER:
        done = tuple((a.kind, float(n), a.amount) for n, a in enumerate((*twins.given(after), *actions(name, 7200.0))))
        true = cover_1(calculated(body, {key: np.array([value]) for key, value in TRUTH.items()}, done))[0]
        for what, twin in (("before", before), ("after", after)):
            state, params = twin.belief.draw(DRAWS, np.random.default_rng(1))
            plan = (*twins.given(after), *actions(name, 7200.0))
            cover[name, what] = twin.model.readouts["cover_1"].compute(state, params, plan, np.random.default_rng(2))
        told = ", ".join(f"{what} {cover[name, what].mean():.2f} ± {cover[name, what].std():.2f}" for what in ("before", "after"))
        print(f"then {name:18} cover {told}; true {true:.2f}")
    return float(cover[LONGER[1], "after"].mean())


if __name__ == "__main__":
    print(main())
