"""What of a patient the parameters do not hold: organs as sources, what was given first, and what later cycles may be given with."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gemel.core.errors import InputError
from gemel.systems.theranostics.cold_mass import Displacement
from gemel.systems.theranostics.isotopes import Label
from gemel.systems.theranostics.population import Promoted


@dataclass(frozen=True)
class Body:
    """Gy/(MBq h) of each organ for its own activity, tumour mass, energy, decay, first doses.

    `energy_Gy_kg_MBq_h` is the energy of electrons (and alphas) a decay leaves on the spot; `given` are (t_s, MBq) of the nuclide.
    `labels`: other nuclides by name; `displaced`: what ligand does to uptake, by nuclide ("": the own), empty where it is not asked for.
    `early_s`: how long before the first dose the twin begins; `prior`: what a cohort was promoted to, in place of the table.
    """

    S_Gy_MBq_h: Mapping[str, float]
    tumour_g: float
    energy_Gy_kg_MBq_h: float
    decay_1_h: float
    given: tuple[tuple[float, float], ...]
    labels: Mapping[str, Label] = field(default_factory=dict)
    displaced: Mapping[str, Displacement] = field(default_factory=dict)
    early_s: float = 0.0
    prior: Promoted = field(default_factory=Promoted)

    @property
    def begins_s(self) -> float:
        """When the twin begins."""
        return self.given[0][0] - self.early_s

    @property
    def has_alphas(self) -> bool:
        """Whether a cycle may give alphas."""
        return any(label.alpha_1 > 0 for label in self.labels.values())


def label(body: Body, nuclide: str) -> Label:
    """Of a nuclide, or the body's own for "". Raises InputError for one that the twin was not begun with."""
    if not nuclide:
        return Label(body.S_Gy_MBq_h, {}, 0.0, body.energy_Gy_kg_MBq_h, body.decay_1_h, 1.0)
    if nuclide not in body.labels:
        remedy = f'begin the twin with it: --set isotopes=["{nuclide}"]'
        raise InputError(f"{nuclide}, which this twin does not know", where="theranostics", remedy=remedy)
    return body.labels[nuclide]
