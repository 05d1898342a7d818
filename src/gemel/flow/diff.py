"""`gemel twin diff`: what changed between two versions of a twin, and because of which scan."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gemel.core.errors import InputError, UnitError
from gemel.core.forecast import forecast
from gemel.core.time import iso
from gemel.core.units import unit_of
from gemel.flow.session import Session, last_decision, open_session, rebuilt
from gemel.flow.standing import REPLACES
from gemel.flow.words import in_words
from gemel.store import Event, Store

DRAWS = 2000
MOVED_sd = 0.1
"""A mean has moved when it did so by this share of the standard deviation it had; the error of a mean of DRAWS draws is 0.02."""
NARROWED = 0.1
"""A belief is narrower or wider when its standard deviation changed by this share."""


@dataclass(frozen=True)
class Moved:
    """A parameter, or a component of what the next scan should show, of which something else is believed than before.

    `of` is "parameter" or "expected"; mean and standard deviation then and now in `unit`; `moved_sd`: the step in units of the old
    deviation; `because`: the entry at which most of it happened.
    """

    name: str
    of: str
    unit: str
    mean: float
    sd: float
    mean_now: float
    sd_now: float
    moved_sd: float
    because: str


@dataclass(frozen=True)
class Ranked:
    """A plan's place, expected utility and how often it is the best, then and now; place 0 for a plan that was not among the options."""

    plan: str
    place: int
    place_now: int
    utility: float | None
    utility_now: float | None


@dataclass(frozen=True)
class Diff:
    """What changed between two versions: beliefs, entries (time, kind, words), plans; forecasts scored and those within their 90 %."""

    twin: str
    version: int
    version_now: int
    badge: str
    badge_now: str
    moved: tuple[Moved, ...]
    entries: tuple[tuple[str, str, str], ...]
    fallen: tuple[tuple[str, str, str], ...]
    recommended: str
    recommended_now: str
    plans: tuple[Ranked, ...]
    alarms: tuple[str, ...]
    scored: int
    within: int


def diff(store: Store, twin_id: str, version: int, version_now: int) -> Diff:
    """What changed from one version to a later one. Raises InputError for an unknown twin or version, or the same one twice."""
    history = tuple(store.events(twin_id))
    if not history:
        raise InputError(f"no twin {twin_id!r}", where="diff", remedy=f"the record holds {', '.join(store.twins()) or 'none'}")
    early, late = sorted((version, version_now))
    wrong = [v for v in (early, late) if not 1 <= v <= history[-1].version]
    if wrong or early == late:
        found = f"version {wrong[0]}" if wrong else f"version {early} twice"
        raise InputError(found, where=twin_id, remedy=f"name two of versions 1 to {history[-1].version}")
    return compared(at_version(store, history, early), at_version(store, history, late))


def diff_times(store: Store, twin_id: str, then_s: tuple[float | None, float | None], now_s: tuple[float | None, float | None]) -> Diff:
    """The same for two moments, each (as of, known at); None for no limit."""
    then, now = (open_session(store, twin_id, as_of_s=at[0], known_at_s=at[1]) for at in (then_s, now_s))
    if then.history == now.history:
        raise InputError("the same entries at both times", where=twin_id, remedy="name two times between which something happened")
    return compared(then, now)


def at_version(store: Store, history: Sequence[Event], version: int) -> Session:
    """The twin as the record told of it at a version. Retractions in other twins count when they were known by then."""
    known = tuple(event for event in history if event.version <= version)
    return rebuilt(store, known, store.tainted(max(event.known_s for event in known)))


def compared(then: Session, now: Session) -> Diff:
    """What changed from one state of a twin to another."""
    before, counts = {e.hash for e in then.history}, {e.hash for e in now.entries}
    new = [e for e in now.history if e.hash not in before]
    gone = [e for e in then.entries if e.hash not in counts]
    beliefs = [e for e in now.entries if e.kind == "Assimilated" and e.hash not in before]
    ranks = [rank for e in beliefs for kind in e.payload["ranks"].values() for rank in np.ravel(kind)]
    options = [last_decision(session) for session in (then, now)]
    return Diff(
        twin=now.id,
        version=then.version,
        version_now=now.version,
        badge=then.badge,
        badge_now=now.badge,
        moved=_moved(then, now, new),
        entries=tuple(map(_line, new)),
        fallen=tuple(map(_line, gone)),
        recommended=options[0].payload["recommended"] if options[0] else "",
        recommended_now=options[1].payload["recommended"] if options[1] else "",
        plans=_plans(*options),
        alarms=tuple(f"{iso(e.valid_s)}: {', '.join(e.payload['alarms'])}" for e in beliefs if e.payload["alarms"]),
        scored=len(ranks),
        within=int(sum(0.05 <= rank <= 0.95 for rank in ranks)),
    )


def _line(event: Event) -> tuple[str, str, str]:
    return iso(event.valid_s), event.kind, in_words(event)


def _plans(then: Event | None, now: Event | None) -> tuple[Ranked, ...]:
    """The plans whose place changed, in the order of now."""
    sides = [{o["name"]: (i, o["utility"]) for i, o in enumerate(e.payload["options"], 1)} if e else {} for e in (then, now)]
    names = list(dict.fromkeys((*sides[1], *sides[0])))
    rows = (Ranked(n, *(side.get(n, (0, None))[0] for side in sides), *(side.get(n, (0, None))[1] for side in sides)) for n in names)
    return tuple(row for row in rows if row.place != row.place_now) if then and now else ()


def _moved(then: Session, now: Session, new: Sequence[Event]) -> tuple[Moved, ...]:
    """Every component whose mean or standard deviation changed, the largest step first."""
    at_s = max(then.twin.t_s, now.twin.t_s) + now.system.interval_s
    steps = [(then, "")] + [(s, why) for s, why in _steps(then, now, new)]
    if then.entries == now.entries:
        return ()
    sides = [moments(session, at_s) for session, _ in steps]
    rows = []
    for key, (mean, sd) in sides[0].items():
        path = [side[key][0] for side in sides if key in side]
        if key not in sides[-1]:
            continue
        mean_now, sd_now = sides[-1][key]
        jumps = np.diff(path) * np.sign(mean_now - mean)
        why = steps[1 + int(np.argmax(jumps))][1]
        step_sd = (mean_now - mean) / sd if sd > 0 else 0.0
        if abs(step_sd) > MOVED_sd or abs(sd_now - sd) > NARROWED * sd:
            rows.append(Moved(key[1], key[0], _unit(key[1]), mean, sd, mean_now, sd_now, step_sd, why))
    return tuple(sorted(rows, key=lambda row: -abs(row.moved_sd)))


def _steps(then: Session, now: Session, new: Sequence[Event]) -> list[tuple[Session, str]]:
    """The twin after each new entry that changes what is believed, and that entry in words; the last is the twin now."""
    why = [e for e in new if e.kind in ("Observed", "Acted", "Retracted") and REPLACES not in e.payload]
    if not why or now.history[: len(then.history)] != then.history:
        return [(now, _because(why[-1]) if why else "")]
    found = [at_version(now.store, now.history, e.version) for e in why[:-1]]
    return list(zip([*found, now], map(_because, why)))


def _because(event: Event) -> str:
    return f"{event.kind} of {iso(event.valid_s)}, {in_words(event)}"


def moments(session: Session, at_s: float) -> dict[tuple[str, str], tuple[float, float]]:
    """Mean and standard deviation of each parameter, and of each component of what a scan at `at_s` should show."""
    _, params = session.twin.belief.draw(DRAWS, np.random.default_rng(0))
    ahead = forecast(session.twin, (), list(session.twin.model.observe), at_s, DRAWS, np.random.default_rng(0))
    found = {("parameter", name): (float(np.mean(v)), float(np.std(v))) for name, v in params.items() if v.ndim == 1}
    for kind, draws in ahead.values.items():
        flat = draws.reshape(len(draws), -1)
        for i in range(flat.shape[1]):
            name = kind if flat.shape[1] == 1 else f"{kind}[{i}]"
            found["expected", name] = (float(flat[:, i].mean()), float(flat[:, i].std()))
    return found


def _unit(name: str) -> str:
    try:
        return unit_of(name.partition("[")[0])
    except UnitError:
        return ""
