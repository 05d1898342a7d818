"""What one PET an hour after a little Ga-68-PSMA says about the doses of the Lu-177 cycle to come.

Shows `pet_forecast.scan_of_SUV`, `conditioned`, `forecast_h` and `doses_Gy`: uptake of six organs conditions the receptors, the
perfusion and the excretion of the whole-body model; the same person is then given another label and more ligand.
"""

import numpy as np

from gemel.systems.theranostics import pbpk
from gemel.systems.theranostics.pbpk_posterior import prior
from gemel.systems.theranostics.pet_forecast import Administration, conditioned, doses_Gy, forecast_h, scan_of_SUV

DIAGNOSTIC = Administration("Ga-68", activity_MBq=150.0, cold_nmol=2.0)
THERAPY = Administration("Lu-177", activity_MBq=7400.0, cold_nmol=46.9)
SUV_g_mL = {"kidney": 32.0, "salivary": 14.0, "liver": 5.0, "tumor1": 30.0}
VOLUME_mL = {"kidney": 311.0, "salivary": 21.0, "liver": 1910.0, "tumor1": 10.0}
S_Gy_MBq_h = {"kidney": 2.78e-4, "salivary": 3.81e-3, "liver": 4.45e-5, "tumor1": 8.07e-3}


def main() -> float:
    """Width of the kidneys' 90 % interval (upper over lower end) after the PET, over that before."""
    known, rng = pbpk.corrected_parameters(), np.random.default_rng(1)
    pet = scan_of_SUV(SUV_g_mL, VOLUME_mL, DIAGNOSTIC, weight_kg=80.0, t_min=60.0, sd_1=0.1)
    people = {"before PET": prior(known, 300, rng), "after PET": conditioned(known, pet, DIAGNOSTIC, rng, draws=300)}
    widths = []
    for when, person in people.items():
        found = doses_Gy(forecast_h(person, THERAPY, rng), THERAPY.activity_MBq, S_Gy_MBq_h)
        ends = {organ: np.quantile(dose, [0.05, 0.5, 0.95]) for organ, dose in found.items()}
        print(f"{when:10}  " + "   ".join(f"{organ} {mid:.1f} ({low:.1f}-{high:.1f}) Gy" for organ, (low, mid, high) in ends.items()))
        widths.append(ends["kidney"][2] / ends["kidney"][0])
    return float(widths[1] / widths[0])


if __name__ == "__main__":
    print(main())
