"""Which nuclide, and how much cold ligand: the same patient's next cycles of Lu-177, Tb-161 and Ac-225, judged on one set of draws.

Shows `body_for` with `isotopes` and `cold`, `regimens.read` and the model's readouts. Alphas are counted as often as they do harm, which
nobody knows well: their effectiveness is a distribution, and so is what of Bi-213 leaves for the kidneys. Cold ligand takes from every
organ in its own measure. A twin is asked for these arms with `--set isotopes=["Ac-225"] --set cold_nmol=[0,300]`.
"""

import numpy as np

from gemel.core.time import DAY_S
from gemel.systems.theranostics.case import body_for
from gemel.systems.theranostics.model import model_of
from gemel.systems.theranostics.regimens import actions, read

ARMS = (
    "7.4 GBq x 4, 6 weeks",
    "7.4 GBq x 4, 6 weeks, 0 nmol cold",
    "7.4 GBq x 4, 6 weeks, 300 nmol cold",
    "5.5 GBq Tb-161 x 4, 6 weeks",
    "8 MBq Ac-225 x 4, 8 weeks",
    "8 MBq Ac-225 x 4, 8 weeks, 300 nmol cold",
)
SHOWN = ("kidney_weighted_dose_Gy", "kidney_BED_Gy", "marrow_weighted_dose_Gy", "tumour_weighted_dose_Gy", "tumour_ln_kill_1")
DRAWS = 300


def main() -> float:
    """Relative width of the 90 % interval of the tumour's weighted dose with Ac-225, over that with Lu-177."""
    body, _ = body_for("Lu-177", {"tumour": [50.0]}, ((0.0, 7400.0),), isotopes=("Tb-161", "Ac-225"), cold=True)
    model, rng = model_of(body), np.random.default_rng(4)
    state, params = model.prior.draw(DRAWS, rng)
    spread = {}
    for name in ARMS:
        plan = actions(read(name), 42 * DAY_S)
        found = {readout: model.readouts[readout].compute(state, params, plan, rng) for readout in SHOWN}
        middle = "   ".join(f"{readout.rsplit('_', 1)[0]} {np.median(values):.3g}" for readout, values in found.items())
        print(f"{name:42} {middle}   P(kidney BED > 40 Gy) {np.mean(found['kidney_BED_Gy'] > 40):.1%}")
        low, mid, high = np.quantile(found["tumour_weighted_dose_Gy"], [0.05, 0.5, 0.95])
        spread[name] = (high - low) / mid
    return float(spread["8 MBq Ac-225 x 4, 8 weeks"] / spread["7.4 GBq x 4, 6 weeks"])


if __name__ == "__main__":
    print(main())
