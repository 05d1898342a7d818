"""`gemel promote`: the posteriors of a record's twins become a new, versioned prior, which later twins begin with."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from gemel.core.digest import digest
from gemel.core.errors import InputError
from gemel.core.image import Array
from gemel.core.model import Twin
from gemel.core.parameter import Parameter, free_centre, to_value
from gemel.core.system import Progress, silent
from gemel.core.twin import observations
from gemel.engines.inference.hierarchy import evidence, group, heard, moved
from gemel.flow.session import belief_digest, open_session
from gemel.store import Store

DRAWS = 4000
VALUES = ("centre", "spread")


@dataclass(frozen=True)
class Row:
    """A parameter's prior (median and ln-sd, or mean and sd), and how much of it the patients told (0: it is what it was, to 1)."""

    name: str
    centre: float
    spread: float
    told_1: float


@dataclass(frozen=True)
class Prior:
    """What a cohort was promoted to. `version` names its content; `beliefs` are the digests of the posteriors it was made of."""

    version: str
    model: str
    model_version: str
    patients: int
    beliefs: tuple[str, ...]
    parameters: tuple[Row, ...]


def promote(store: Store, system: str, out: Path | None = None, *, progress: Progress = silent) -> Prior:
    """The prior of the twins of that system that saw a scan, written to `out`. Nothing in the record changes.

    Raises InputError for fewer than two of them, and for twins of several versions of the model.
    """
    found, names = [], [e.twin for e in store.of_kind("Ingested") if e.payload["system"] == system]
    withdrawn = {e.twin for e in store.of_kind("Erased")}
    for done, twin_id in enumerate(dict.fromkeys(names)):
        progress("twins", done, len(names))
        twin = open_session(store, twin_id).twin if twin_id not in withdrawn else None
        if twin is not None and observations(twin):
            found.append(twin)
    made = promoted(found)
    if out is not None:
        out.write_text(json.dumps(asdict(made), indent=1) + "\n", encoding="utf-8")
    return made


def promoted(twins: Sequence[Twin]) -> Prior:
    """The prior that twins of one model were promoted to; each one's own prior is taken out of its posterior first."""
    versions = sorted({twin.model.version.split()[0] for twin in twins})
    if len(versions) != 1 or len(twins) < 2:
        said = f"{len(twins)} twins that saw a scan" + (f", of versions {' and '.join(versions)}" if len(versions) > 1 else "")
        raise InputError(said, where="promote", remedy="promote two or more twins of one version of the model")
    rows = _rows(twins, _shared(twins))
    beliefs = tuple(belief_digest(twin.belief) for twin in twins)
    content = {"model": twins[0].model.name, "model_version": versions[0], "patients": len(twins), "beliefs": beliefs}
    return Prior(version=_version({**content, "parameters": list(rows)}), parameters=rows, **content)  # type: ignore[arg-type]


def with_prior(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options, with what the file says in place of its name."""
    named = options.get("prior")
    return dict(options) | ({"prior": read_prior(Path(named))} if isinstance(named, (str, Path)) else {})


def read_prior(path: Path) -> dict[str, Any]:
    """What `promote` wrote, as it goes into the record. Raises InputError for what is none, or was changed by hand."""
    remedy = "give what `gemel promote` wrote, unchanged"
    if not path.is_file():
        raise InputError("no file", where=str(path), remedy=remedy)
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"not JSON ({str(error)[:60]})", where=str(path), remedy=remedy) from error
    if not isinstance(held, dict) or set(held) != set(Prior.__dataclass_fields__) or not _are_rows(held["parameters"]):
        raise InputError("no promoted prior", where=str(path), remedy=remedy)
    content = {name: value for name, value in held.items() if name != "version"}
    if held["version"] != _version({**content, "parameters": [Row(**row) for row in held["parameters"]]}):
        raise InputError(f"a prior whose numbers are not those of {held['version']}", where=str(path), remedy=remedy)
    return {**held, "beliefs": list(held["beliefs"])}


def _are_rows(rows: Any) -> bool:
    if not (isinstance(rows, list) and all(isinstance(row, dict) and set(row) == set(Row.__dataclass_fields__) for row in rows)):
        return False
    return all(isinstance(row[key], float) and math.isfinite(row[key]) for row in rows for key in (*VALUES, "told_1"))


def _version(content: Mapping[str, Any]) -> str:
    return f"promoted-{digest({**content, 'beliefs': list(content['beliefs'])})[:10]}"


def _shared(twins: Sequence[Twin]) -> list[tuple[Parameter, ...]]:
    """Of each twin, the parameters that all of them have, in one order."""
    names = [p.name for p in twins[0].model.parameters if all(p.name in {q.name for q in t.model.parameters} for t in twins)]
    return [tuple(next(p for p in twin.model.parameters if p.name == name) for name in names) for twin in twins]


def _rows(twins: Sequence[Twin], shared: Sequence[tuple[Parameter, ...]]) -> tuple[Row, ...]:
    """The population in units of the first twin's prior; what nobody's scans told is that prior."""
    own = [_draws(twin, parameters) for twin, parameters in zip(twins, shared)]
    told, former = heard(own), shared[0]
    mean, sd, share = np.zeros(len(former)), np.ones(len(former)), np.zeros(len(former))
    if told.any():
        learnt = group([moved(evidence(z[:, told]), *(of[told] for of in _frame(p, former))) for z, p in zip(own, shared)])
        mean[told], sd[told], share[told] = learnt.mean, learnt.sd, learnt.told_1
    free = [np.array([free_centre(p) + m * p.spread]) for p, m in zip(former, mean)]
    centres = [float(np.clip(to_value(p, x)[0], *p.bounds)) if m else p.centre for p, x, m in zip(former, free, mean)]
    return tuple(Row(p.name, c, float(s * p.spread), float(t)) for p, c, s, t in zip(former, centres, sd, share))


def _draws(twin: Twin, parameters: Sequence[Parameter]) -> Float[Array, "n d"]:
    """Of the belief, in units of the twin's own prior."""
    _, params = twin.belief.draw(DRAWS, np.random.default_rng(0))
    free = [np.log(params[p.name]) if p.family == "lognormal" else params[p.name] for p in parameters]
    return np.stack([(x - free_centre(p)) / p.spread for x, p in zip(free, parameters)], axis=1)


def _frame(own: Sequence[Parameter], former: Sequence[Parameter]) -> tuple[Float[Array, "d"], Float[Array, "d"]]:
    """Scale and shift from units of the former prior to those of a twin's own."""
    scale = [q.spread / p.spread for p, q in zip(own, former)]
    return np.array(scale), np.array([(free_centre(q) - free_centre(p)) / p.spread for p, q in zip(own, former)])
