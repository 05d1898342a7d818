"""Where a decay's energy goes: the certificate that finds a wrong digit in the table."""

from dataclasses import dataclass

from gemel.engines.decay.emissions import emissions
from gemel.engines.decay.table import Nuclide, nuclide


@dataclass(frozen=True)
class Balance:
    """Mean energies per decay and the energy set free, `Q_keV`; `imbalance` is (sum − Q)/Q."""

    name: str
    Q_keV: float
    beta_keV: float
    neutrino_keV: float
    electron_keV: float
    photon_keV: float
    alpha_keV: float
    recoil_keV: float

    @property
    def sum_keV(self) -> float:
        """All that was found."""
        return self.beta_keV + self.neutrino_keV + self.electron_keV + self.photon_keV + self.alpha_keV + self.recoil_keV

    @property
    def imbalance(self) -> float:
        """(sum − Q)/Q."""
        return self.sum_keV / self.Q_keV - 1.0


def energy_balance(name: str) -> Balance:
    """Energy balance of one decay, daughters excluded: Σ branches' Q = betas + neutrinos + electrons + photons + alphas + recoil.

    Neutrinos of beta branches come from the computed spectra; those of electron capture are the evaluation's, since the shells that
    capture are not in the table. Raises InputError for an unknown nuclide.
    """
    found, emitted = nuclide(name), emissions(name)
    return Balance(
        name=found.name,
        Q_keV=sum(branch.fraction * branch.Q_keV for branch in found.branches),
        beta_keV=emitted.beta_mean_keV,
        neutrino_keV=_neutrino_keV(found, emitted.beta_mean_keV),
        electron_keV=emitted.electron_mean_keV,
        photon_keV=emitted.photon_mean_keV,
        alpha_keV=emitted.alpha_mean_keV,
        recoil_keV=emitted.recoil_mean_keV,
    )


def _neutrino_keV(found: Nuclide, beta_mean_keV: float) -> float:
    """Energy that the neutrinos carry away."""
    if len(found.capture):
        return found.evaluated_keV.get("Neutrino", 0.0)
    return sum(branch.endpoint_keV * branch.per_decay for branch in found.betas) - beta_mean_keV
