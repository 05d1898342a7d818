"""What a belief says of each parameter that its prior did not, as a table."""

import numpy as np

from gemel.core.page import Table
from gemel.core.parameter import draw_free, to_value
from gemel.core.twin import Twin

DRAWS, INFORMED = 400, 0.9


def learned_table(twin: Twin, rng: np.random.Generator) -> Table:
    """Median and 90 % before and now, and which parameters the record says nothing about; every prior must be log-normal."""
    _, params = twin.belief.draw(DRAWS, rng)
    parameters = twin.model.parameters
    prior = {p.name: to_value(p, column) for p, column in zip(parameters, draw_free(parameters, DRAWS, rng).T)}
    rows = []
    for p in parameters:
        ratio = float(np.log(params[p.name]).std() / np.log(prior[p.name]).std())
        low, middle, high = (f"{v:.3g}" for v in np.quantile(params[p.name], (0.05, 0.5, 0.95)))
        said = "" if ratio < INFORMED else "not informed"
        rows.append((p.name, f"{np.median(prior[p.name]):.3g}", f"{middle} ({low}–{high})", f"{ratio:.2f}", said))
    return Table("What was learned", ("parameter", "prior", "now (90 %)", "spread against prior", ""), tuple(rows))
