"""From a vial of Ac-225 to the effect on a kidney: the chain, what it emits, and the BED of its dose.

Ac-225 drags six radioactive daughters behind it. This shows their activities over days, where the energy of a decay goes, and how
the same absorbed dose counts differently when it comes from alphas whose RBE is known only as a distribution.
"""

import numpy as np

from gemel.engines.decay import bateman, decays, emissions
from gemel.systems.theranostics.radiobiology import alpha_bed_Gy, bed_Gy, draw_rbe, eqd2_Gy, protraction_factor

DAY_S = 86400.0


def show_chain() -> None:
    """Activities of the members after a minute, an hour and ten days."""
    activity = bateman("Ac-225", 1e6, np.array([60.0, 3600.0, 10 * DAY_S]))
    for member, values in activity.items():
        print(f"{member:8s}" + "".join(f"{value / 1e3:12.3f} kBq" for value in np.atleast_1d(values)))


def show_energies() -> None:
    """Mean energies per decay, alone and with the daughters in equilibrium."""
    for name, chain in (("Lu-177", False), ("Ac-225", False), ("Ac-225", True)):
        e = emissions(name, chain=chain)
        print(
            f"{name}{' and daughters' if chain else '':15s} alpha {e.alpha_mean_keV + e.recoil_mean_keV:9.1f}  beta {e.beta_mean_keV:7.1f}"
            f"  electrons {e.electron_mean_keV:6.1f}  photons {e.photon_mean_keV:6.1f} keV"
        )


def show_effect() -> None:
    """The same 5 Gy with a half-life of 50 h, from betas and from alphas."""
    G = protraction_factor([1.0, -1.0], [50.0, 2.0], 2.8)
    print(f"5 Gy of Lu-177: BED {float(bed_Gy(5.0, 50.0, 2.8, 2.5)):.3f} Gy, EQD2 {float(eqd2_Gy(5.0, 50.0, 2.8, 2.5)):.3f} Gy")
    rbe = draw_rbe("alpha", 10_000, np.random.default_rng(1))
    low, middle, high = np.quantile(np.asarray(alpha_bed_Gy(5.0, rbe, G_1=G, alpha_beta_Gy=2.5)), [0.05, 0.5, 0.95])
    print(f"5 Gy of alphas: BED {middle:.0f} Gy, 90 % interval {low:.0f} to {high:.0f} Gy")


def main() -> float:
    """Decays of Bi-213 in sixty days from 1 MBq of Ac-225, in 1e12."""
    show_chain()
    show_energies()
    show_effect()
    return float(decays("Ac-225", 1e6, 60 * DAY_S)["Bi-213"]) / 1e12


if __name__ == "__main__":
    print(f"{main():.7f} e12 decays of Bi-213")
