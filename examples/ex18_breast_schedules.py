"""Which schedule of chemotherapy before surgery: a breast tumour seen by diffusion MRI twice, and what each schedule would leave of it.

Shows `phantom`, `virtual_patient` and `visit_of` (a patient of gemel's own making), `begin` and `observe` (what a twin makes of visits),
and readouts under schedules of equal total dose. The mean of the worst fifth of the draws counts, not the median: a schedule is chosen
for what it may leave.
"""

import numpy as np

from gemel.core import twin as twins
from gemel.core.time import DAY_S
from gemel.systems.breast.case import begin
from gemel.systems.breast.drugs import Dose
from gemel.systems.breast.judge import TAIL, superquantile_parts
from gemel.systems.breast.observe import observations, observe
from gemel.systems.breast.phantom import phantom
from gemel.systems.breast.regimens import Regimen, actions
from gemel.systems.breast.system import model
from gemel.systems.breast.virtual import virtual_patient, visit_of

SCHEDULES = (Regimen(2, 1), Regimen(2, 3), Regimen(3, 1), Regimen(3, 3), Regimen(0, 1))
SECOND_s, NEXT_s = 20 * DAY_S, 22 * DAY_S
DRAWS = 120


def main() -> float:
    """How much less is left, in ln of cells of the worst fifth, by A/C every two weeks and weekly paclitaxel than by three-weekly doses."""
    rng = np.random.default_rng(17)
    first = Dose("AC", DAY_S, 1.0)
    made = phantom(rng, shape=(18, 18, 14), spacing_mm=3.0, radius_mm=10.0)
    patient = virtual_patient(made, rng, given=(first,), mechanics=False)
    case = begin(visit_of(patient, (), 0.0, rng), doses="AC@1970-01-02", mechanics=False)
    twin = twins.new(model(case, None), 0.0, 17)
    seen = observe(case, visit_of(patient, (), SECOND_s, rng), lambda *_: None)
    twin = twins.assimilate(twin, observations(seen, SECOND_s, "second visit"))
    print(f"cells at the second visit: {seen.quality['cells_ratio']:.2f} of the first; volume {seen.quality['volume_mL']:.1f} mL")
    state, params = twin.belief.draw(DRAWS, rng)
    tail = {}
    for one in SCHEDULES:
        plan = actions(one, NEXT_s, (first,))
        found = {name: readout.compute(state, params, plan, rng) for name, readout in twin.model.readouts.items()}
        tail[one] = float(superquantile_parts(found["ln_residual_1"], TAIL).mean())
        print(
            f"{one.name:26} ln residual {np.median(found['ln_residual_1']):6.2f}, worst fifth {tail[one]:6.2f}; "
            f"P(complete) {found['pcr_1'].mean():4.0%}; toxicity {found['toxicity_1'][0]:.2f}"
        )
    return tail[Regimen(3, 3)] - tail[Regimen(2, 1)]


if __name__ == "__main__":
    print(main())
