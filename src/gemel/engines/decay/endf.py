"""Read one file of an ENDF-6 radioactive-decay sublibrary: section MF = 8, MT = 457.

Format: Trkov, Herman & Brown (eds) 2018, ENDF-6 Formats Manual, BNL-203218-2018-INRE, section 8.4. Energies leave in keV, times in s,
intensities per decay. Evaluations: Brown et al. 2018, Nucl Data Sheets 148:1 (ENDF/B-VIII.0, made from ENSDF).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gemel.core.errors import InputError

GAMMA, BETA_MINUS, BETA_PLUS, ALPHA, ELECTRON, X_RAY = 0, 1, 2, 4, 8, 9
_FIELD = re.compile(r"([+-]?\d*\.\d*|[+-]?\d+)\s*([+-]\d+)$")


@dataclass(frozen=True)
class Line:
    """One discrete radiation: energy, intensity per decay, positrons among it (capture branches), ENDF shape code TYPE."""

    energy_keV: float
    per_decay: float
    positrons_per_decay: float
    shape: int


@dataclass(frozen=True)
class DecayFile:
    """What one file says: who it is, how long it lives, ways of decay (code RTYP, daughter's isomer, Q, fraction), lines by STYP."""

    Z: int
    A: int
    isomer: int
    half_life_s: float
    sd_half_life_s: float
    modes: tuple[tuple[float, int, float, float], ...]
    lines: dict[int, tuple[Line, ...]]
    evaluators: str
    mean_keV: dict[str, float]


def read_decay_file(path: Path) -> DecayFile:
    """The decay data of one nuclide. Raises InputError when the file holds no MF 8, MT 457 section."""
    text = path.read_text(encoding="latin-1").splitlines()
    records = _records(text)
    if not records:
        raise InputError("no section MF 8, MT 457", where=path.name, remedy="pass a file of an ENDF-6 decay sublibrary")
    cards = iter(records)
    head, life = next(cards), next(cards)
    _cards(cards, int(life[4]))  # mean energies: they are worked out from the lines instead
    spin = next(cards)
    modes = _cards(cards, 6 * int(spin[5])) if spin[5] else []
    return DecayFile(
        Z=int(head[0]) // 1000,
        A=int(head[0]) % 1000,
        isomer=int(head[3]),
        half_life_s=life[0],
        sd_half_life_s=life[1],
        modes=tuple((modes[i], int(modes[i + 1]), modes[i + 2] / 1e3, modes[i + 4]) for i in range(0, len(modes), 6)),
        lines={code: lines for code, lines in _spectra(cards, int(head[5]))},
        evaluators=_evaluators(text),
        mean_keV=_balance(text),
    )


def _records(text: list[str]) -> list[tuple[float, ...]]:
    """The section's cards as six numbers each."""
    wanted = [row for row in text if row[70:75] == " 8457"]
    return [tuple(_number(row[11 * i : 11 * i + 11]) for i in range(6)) for row in wanted]


def _number(field: str) -> float:
    """An ENDF number, whose exponent has no letter: `1.481740+5`."""
    field = field.strip()
    found = _FIELD.match(field)
    return float(f"{found[1]}e{found[2]}") if found else float(field or 0.0)


def _cards(cards: Iterator[tuple[float, ...]], count: int) -> list[float]:
    """The next `count` numbers, read card by card."""
    numbers: list[float] = []
    while len(numbers) < count:
        numbers.extend(next(cards))
    return numbers[:count]


def _spectra(cards: Iterator[tuple[float, ...]], count: int) -> Iterator[tuple[int, tuple[Line, ...]]]:
    """Discrete lines of each radiation type; a continuum (spontaneous fission) ends the reading."""
    for _ in range(count):
        control = next(cards)
        factor = _cards(cards, 6)[0]
        if control[2]:
            return
        yield int(control[1]), tuple(_line(cards, factor) for _ in range(int(control[5])))


def _line(cards: Iterator[tuple[float, ...]], factor: float) -> Line:
    """One discrete line; its conversion coefficients are passed over, for the electrons have lines of their own."""
    control = next(cards)
    numbers = _cards(cards, int(control[4]))
    positrons = numbers[4] if len(numbers) > 4 else 0.0
    return Line(control[0] / 1e3, factor * numbers[2], factor * positrons, int(numbers[1]))


def _evaluators(text: list[str]) -> str:
    """Names of the authors of the underlying ENSDF evaluation."""
    for i, row in enumerate(text):
        if "authors:" in row:
            more = text[i + 1][:66].strip()
            rest = "" if more.startswith("Parent") else " " + more
            return (row[:66].split("authors:")[1].strip() + rest).title()
    return ""


def _balance(text: list[str]) -> dict[str, float]:
    """The file's own energy balance, mean keV per decay."""
    pattern = re.compile(r"(?:Mean )?([A-Za-z0-9+\- ]+?)(?: Energy| Energies)?: +([-+0-9.E]+)")
    found = (pattern.match(row) for row in text[:60] if "keV" in row and "Excitation" not in row)
    return {match[1]: float(match[2]) for match in found if match}
