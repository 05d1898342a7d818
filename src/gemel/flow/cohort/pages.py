"""A trial as files: a page that needs nothing beside it, the table as Parquet, the results as JSON."""

import base64
import json
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, select_autoescape

from gemel.flow import registry
from gemel.flow.cohort import comparison
from gemel.flow.cohort.arms import HINDSIGHT, WORDS, words
from gemel.flow.cohort.comparison import Paired
from gemel.flow.cohort.finished import Trial
from gemel.flow.models import standing
from gemel.io.files import write_atomic

SHOWN = 4
"""Plans of an arm that the page names; the rest is counted."""


def write_trial(trial: Trial, folder: Path) -> tuple[Path, ...]:
    """Paths of trial.html, trial.json and trial.parquet, with the plots beside them. Raises InputError without DuckDB."""
    from gemel.flow.cohort import plots  # loads Matplotlib: a second that only those wait who draw

    trial.to_parquet(folder / "trial.parquet")
    shown = plots.pictures(trial)
    for picture in shown:
        write_atomic(folder / f"{picture.name}.png", picture.png)
    write_atomic(folder / "trial.json", json.dumps(as_json(trial), indent=1, ensure_ascii=False, allow_nan=False).encode())
    embedded = [(picture.name, picture.caption, base64.b64encode(picture.png).decode()) for picture in shown]
    environment = Environment(autoescape=select_autoescape(default=True))
    template = environment.from_string(files("gemel.flow.cohort").joinpath("trial.html.j2").read_text(encoding="utf-8"))
    said = {"verdict": verdict(trial), "how": comparison.HOW, "shown": SHOWN}
    page = template.render(trial=trial, held=as_json(trial), pictures=embedded, **said)
    write_atomic(folder / "trial.html", page.encode())
    return tuple(folder / name for name in ("trial.html", "trial.json", "trial.parquet"))


def as_json(trial: Trial) -> dict[str, Any]:
    """What the trial found, without the table: arms, differences of every readout, and what it was made of."""
    names = [*(arm.name for arm in trial.arms), HINDSIGHT]
    return {
        "system": trial.system,
        "model": trial.model,
        "version": trial.version,
        "standing": standing(trial.system, registry.system(trial.system)),
        "patients": trial.patients,
        "draws": trial.draws,
        "seed": trial.seed,
        "code": trial.code,
        "digest": trial.digest,
        "tasks": len(trial.tasks),
        "loss": trial.loss,
        "units": dict(trial.units),
        "arms": [_arm(trial, name) for name in names],
        "differences": {readout: [asdict(pair) for pair in trial.pairs(readout)] for readout in trial.units},
        "intervals": comparison.HOW,
    }


def _arm(trial: Trial, name: str) -> dict[str, Any]:
    held = {arm.name: arm for arm in trial.arms}
    exam = registry.system(trial.system).exam
    said = {"policy": held[name].policy, "what": words(held[name], exam)} if name in held else {"policy": name, "what": WORDS[name]}
    summaries = {readout: asdict(trial.summary(name, readout)) for readout in (*trial.units, "expected_loss")}
    return {"name": name, **said, "plans": dict(trial.plans_of(name)), "readouts": summaries}


def verdict(trial: Trial) -> str:
    """The first arm against each other one, in a sentence."""
    first = trial.arms[0].name
    pairs = [trial.paired(first, arm.name) for arm in trial.arms[1:]]
    return "; ".join(_said(pair) for pair in pairs) or f"one arm, {first}: nothing to compare it with but hindsight"


def _said(pair: Paired) -> str:
    found = "less" if pair.high < 0 else "more" if pair.low > 0 else "no difference shown"
    ends = f"{pair.difference:+.3g} {pair.unit} (95 % {pair.low:+.3g} to {pair.high:+.3g})"
    return f"{pair.a} against {pair.b}: {found}, {pair.readout} {ends}, better in {pair.better:.0%} of {pair.patients} patients"
