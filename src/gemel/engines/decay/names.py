"""Names of nuclides: `Lu-177`, `Lu177`, `177Lu`, `lu-177m` all mean one key, element-mass-isomer."""

import re
from collections.abc import Collection
from difflib import get_close_matches

from gemel.core.errors import InputError

_SYMBOLS = """
n H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd
In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu
Am Cm Bk Cf
"""
ELEMENTS = tuple(_SYMBOLS.split())  # by atomic number
_SYMBOL_FIRST = re.compile(r"([A-Za-z]{1,2})[\s_-]*(\d{1,3})([mn]?)$")
_MASS_FIRST = re.compile(r"(\d{1,3})([mn]?)[\s_-]*([A-Za-z]{1,2})$")


def key_of(name: str, known: Collection[str]) -> str:
    """The table's key for a name: `177Lu` → `Lu-177`. Raises InputError with the nearest names when the table lacks it."""
    key = _spelled(name)
    if key not in known:
        near = get_close_matches(key or str(name), known, n=5, cutoff=0.5)
        raise InputError(
            f"unknown nuclide {name!r}",
            where="the decay table",
            remedy=f"write element-mass, as in Lu-177; near names: {', '.join(near) or 'none'}",
        )
    return key


def key(Z: int, A: int, isomer: int = 0) -> str:
    """`Lu-177m` for (71, 177, 1)."""
    return f"{ELEMENTS[Z]}-{A}{('', 'm', 'n')[isomer]}"


def _spelled(name: str) -> str:
    """The name in the table's spelling, or empty when it is not of the form of a nuclide."""
    text = str(name).strip()
    if found := _SYMBOL_FIRST.match(text):
        symbol, mass, isomer = found.groups()
    elif found := _MASS_FIRST.match(text):
        mass, isomer, symbol = found.groups()
    else:
        return ""
    return f"{symbol.capitalize()}-{int(mass)}{isomer}"
