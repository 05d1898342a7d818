"""The ledger as files: every score as JSON, and plots of the ranks."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from gemel.core.errors import ConformanceError
from gemel.flow.ledger import Ledger, rows, trust
from gemel.io.files import write_atomic

FEW = 5
"""Components with fewer scans are not drawn."""


def write_ledger(held: Ledger, folder: Path) -> tuple[Path, ...]:
    """Paths of ledger.json and, for each version of a model with at least FEW scans, its ranks as PNG with simultaneous 95 % bands."""
    text = {by: [asdict(row) for row in rows(held, by)] for by in ("model", "patient", "scanner")}
    text |= {"trust": [asdict(t) | {"trusted": t.trusted} for t in trust(held)], "scores": [asdict(s) for s in held.scores]}
    made = {"ledger.json": json.dumps(text | {"left_out": held.left_out}, indent=1, allow_nan=False).encode()}
    for of in sorted({(s.model, s.version) for s in held.scores}):
        names = sorted({s.component for s in held.scores if (s.model, s.version) == of})
        ranks = {n: np.array([s.rank for s in held.scores if (s.model, s.version, s.component) == (*of, n)]) for n in names}
        shown = {name: values for name, values in ranks.items() if len(values) >= FEW}
        if shown:
            made[f"{'-'.join(filter(None, ('ranks', *of)))}.png"] = _drawn(shown)
    for name, data in made.items():
        write_atomic(folder / name, data)
    return tuple(folder / name for name in made)


def _drawn(ranks: dict[str, np.ndarray]) -> bytes:
    try:
        from gemel.flow.conformance import plots
    except ImportError as error:
        raise ConformanceError("no ArviZ to draw with", where=str(error.name), remedy="pip install 'gemel[conform]'") from error
    return plots.ranks(ranks)
