"""Make `nuclides.json` from the files of an ENDF-6 decay sublibrary: `python -m gemel.engines.decay.commission FOLDER`.

Source: ENDF/B-VIII.0 decay sublibrary (Brown et al. 2018, Nucl Data Sheets 148:1), itself made from ENSDF; `adopted.json` names the
nuclides wanted and the few values taken from another evaluation, with its citation (`checked` is false where that evaluation was not
read again). Every daughter down to stability follows.
Particles of a branch are normalised to the branch's fraction. Lines under 1e-4 per decay are merged, eight groups a decade, at their
mean energy, so that Σ E·I is kept. Branches under 2e-4 are left out of the chain.
"""

import json
import sys
from collections.abc import Iterable
from importlib.resources import files
from itertools import groupby
from math import floor, log10
from pathlib import Path
from typing import Any

from gemel.engines.decay.endf import ALPHA, BETA_MINUS, BETA_PLUS, ELECTRON, GAMMA, X_RAY, DecayFile, Line, read_decay_file
from gemel.engines.decay.names import ELEMENTS, key

WEAK_PER_DECAY, SMALLEST_BRANCH, STABLE_S = 1e-4, 2e-4, 3e16
ANNIHILATION_KEV = 1021.998  # 2 m_e c², CODATA 2018
Row = list[float]
Wanted = tuple[int, int, int]


def commission(folder: Path) -> dict[str, Any]:
    """The table: nuclides wanted and all their daughters, by name."""
    adopted = json.loads(files("gemel.engines.decay").joinpath("adopted.json").read_text(encoding="utf-8"))
    open_: list[Wanted] = [_numbers(name) for name in adopted["wanted"]]
    table: dict[str, Any] = {}
    while open_:
        Z, A, isomer = open_.pop()
        if (name := key(Z, A, isomer)) in table:
            continue
        found = read_decay_file(_path(folder, (Z, A, isomer)))
        if not found.half_life_s or found.half_life_s > STABLE_S:
            continue
        table[name] = _entry(found, adopted["values"].get(name, {}))
        open_.extend(_numbers(daughter) for _, daughter, _, _ in table[name]["branches"])
    return {"source": adopted["source"], "nuclides": dict(sorted(table.items()))}


def _entry(found: DecayFile, adopted: dict[str, Any]) -> dict[str, Any]:
    """One nuclide as it is stored."""
    branches = adopted.get("branches", [_branch(found, mode) for mode in found.modes if mode[3] >= SMALLEST_BRANCH])
    share = {kind: sum(branch[2] for branch in branches if branch[0] == kind) for kind in ("beta-", "ec")}
    return {
        "Z": found.Z,
        "A": found.A,
        "half_life_s": adopted.get("half_life_s", found.half_life_s),
        "sd_half_life_s": found.sd_half_life_s,
        "evaluation": adopted.get("evaluation", f"ENSDF, {found.evaluators}".strip(", ")),
        "checked": adopted.get("checked", not adopted),
        "branches": branches,
        "beta_minus": adopted.get("beta_minus", _betas(found.lines.get(BETA_MINUS, ()), share["beta-"])),
        "beta_plus": _positrons(found.lines.get(BETA_PLUS, ()), share["ec"]),
        "capture": _captures(found.lines.get(BETA_PLUS, ()), share["ec"]),
        "alpha": _merged(_alphas(found, branches)),
        "electron": _merged(
            [[line.energy_keV, line.per_decay] for line in found.lines.get(ELECTRON, ())] + adopted.get("electron_added", [])
        ),
        "photon": _merged([[line.energy_keV, line.per_decay] for code in (GAMMA, X_RAY) for line in found.lines.get(code, ())]),
        "evaluated_keV": {name: value for name, value in found.mean_keV.items() if value},
    }


def _branch(found: DecayFile, mode: tuple[float, int, float, float]) -> list[Any]:
    """[way, daughter, fraction, Q_keV] of an ENDF mode; only single-step modes occur in this table."""
    code, isomer, Q_keV, fraction = mode
    way, dZ, dA = {1.0: ("beta-", 1, 0), 2.0: ("ec", -1, 0), 3.0: ("it", 0, 0), 4.0: ("alpha", -2, -4)}[code]
    return [way, key(found.Z + dZ, found.A + dA, isomer), fraction, Q_keV]


def _betas(lines: Iterable[Line], share: float) -> list[Row]:
    """[endpoint_keV, per decay, degree of unique forbiddenness]; ENDF's shape code is one more than that degree."""
    rows = [[line.energy_keV, line.per_decay, max(line.shape - 1, 0)] for line in lines]
    return _normalised(rows, share)


def _positrons(lines: Iterable[Line], share: float) -> list[Row]:
    """[endpoint_keV, per decay, degree]: the positron's endpoint is the transition energy less two electron masses."""
    kept = list(lines)
    total = sum(line.per_decay for line in kept)
    return [
        [_short(line.energy_keV - ANNIHILATION_KEV), _short(line.positrons_per_decay * share / total), max(line.shape - 1, 0)]
        for line in kept
        if line.positrons_per_decay > 0
    ]


def _captures(lines: Iterable[Line], share: float) -> list[Row]:
    """[transition energy_keV, captures per decay]."""
    kept = list(lines)
    total = sum(line.per_decay for line in kept)
    rows = [[_short(line.energy_keV), _short((line.per_decay - line.positrons_per_decay) * share / total)] for line in kept]
    return [row for row in rows if row[1] > 0]


def _alphas(found: DecayFile, branches: list[list[Any]]) -> list[Row]:
    """[energy_keV, per decay]; a branch whose lines the evaluation does not give is one line at Q (A − 4)/A."""
    alphas = [branch for branch in branches if branch[0] == "alpha"]
    rows = [[line.energy_keV, line.per_decay] for line in found.lines.get(ALPHA, ())]
    rows = rows or [[branch[3] * (found.A - 4) / found.A, branch[2]] for branch in alphas]
    return _normalised(rows, sum(branch[2] for branch in alphas))


def _normalised(rows: list[Row], share: float) -> list[Row]:
    """Rows whose second column adds to the branch's fraction."""
    total = sum(row[1] for row in rows)
    return [[_short(row[0]), _short(row[1] * share / total), *row[2:]] for row in rows if row[1] > 0 and share > 0]


def _merged(rows: list[Row]) -> list[Row]:
    """Strong lines as they are; weak ones merged in groups of one eighth of a decade at their mean energy."""
    strong = [row for row in rows if row[1] >= WEAK_PER_DECAY]
    weak = sorted(row for row in rows if 0 < row[1] < WEAK_PER_DECAY and row[0] > 0)
    for _, group in groupby(weak, lambda row: floor(8 * log10(row[0]))):
        members = list(group)
        total = sum(row[1] for row in members)
        strong.append([sum(row[0] * row[1] for row in members) / total, total])
    return [[_short(energy), _short(per_decay)] for energy, per_decay in sorted(strong)]


def _short(value: float) -> float:
    return float(f"{value:.6g}")


def _numbers(name: str) -> Wanted:
    symbol, mass = name.split("-")
    return ELEMENTS.index(symbol), int(mass.rstrip("mn")), {"m": 1, "n": 2}.get(mass[-1], 0)


def _path(folder: Path, wanted: Wanted) -> Path:
    Z, A, isomer = wanted
    return folder / f"dec-{Z:03d}_{ELEMENTS[Z]}_{A:03d}{f'm{isomer}' if isomer else ''}.endf"


def write(table: dict[str, Any], path: Path) -> None:
    """One nuclide a line, so that a change of one value is one line of a diff."""
    rows = ",\n".join(f"{json.dumps(name)}: {json.dumps(entry, separators=(',', ':'))}" for name, entry in table["nuclides"].items())
    path.write_text(f'{{"source": {json.dumps(table["source"])},\n"nuclides": {{\n{rows}\n}}}}\n', encoding="utf-8")


if __name__ == "__main__":
    write(commission(Path(sys.argv[1])), Path(__file__).with_name("nuclides.json"))
