"""What later cycles may be given with, as it was asked for."""

from collections.abc import Sequence

from gemel.core.errors import RangeError
from gemel.core.number import numbers
from gemel.systems.theranostics.isotopes import emits_alphas, isotope

MOST_COLD_nmol = 1000.0


def choices(
    own: str, isotopes: Sequence[str] | str, cold_nmol: Sequence[float | int] | float | int
) -> tuple[tuple[str, ...], tuple[float, ...]]:
    """Nuclides beside the twin's own, and amounts of cold ligand, each once.

    Raises InputError for nuclides without activities to choose from, RangeError for amounts outside 0 to 1000 nmol.
    """
    asked = [isotopes] if isinstance(isotopes, str) else list(isotopes)
    others = tuple(isotope(name).name for name in dict.fromkeys(asked) if name != own)
    if others:
        isotope(own)
    amounts = tuple(dict.fromkeys(float(x) for x in numbers(cold_nmol, "cold_nmol").ravel()))
    for nmol in amounts:
        if not 0 <= nmol <= MOST_COLD_nmol:
            raise RangeError(f"{nmol:g} nmol of cold ligand", where="cold_nmol", remedy=f"ask for 0 to {MOST_COLD_nmol:g}")
    return others, amounts


def told(isotopes: Sequence[str], cold_nmol: Sequence[float]) -> tuple[str, ...]:
    """What is assumed about them."""
    notes = [f"{', '.join(isotopes)}: kinetics of the ligand taken as with the first label"] if isotopes else []
    if any(emits_alphas(name) for name in isotopes):
        notes.append("alphas: RBE, daughters that leave and what of them reaches the kidneys are wide priors, not this patient's")
    if cold_nmol:
        notes.append("cold ligand: displacement of the published PSMA model's person, not this patient's")
    return tuple(notes)
