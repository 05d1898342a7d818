"""The verbs as a child carries them out: the same functions of `flow` as the command line, with the caller's name as the actor."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gemel import flow
from gemel.core.errors import InputError, StaleError, UnknownError
from gemel.flow import heard, registry
from gemel.service.jobs.child import Table
from gemel.service.jobs.order import Bench
from gemel.service.jobs.wants import FILES
from gemel.store import Store

Result = dict[str, str | int]
MODALITY = "modality:"
KINDS: Mapping[str, tuple[str, ...]] = {
    "CT": ("ct", "cbct"),
    "PT": ("pet", "spect"),
    "NM": ("spect",),
    "MR": ("mri", "visit"),
    "SEG": ("mri", "structures"),
    "RTSTRUCT": ("structures",),
    "RTDOSE": ("dose",),
}
"""What a series may be by its Modality (PS3.3 C.7.3.1.1.1), the likeliest first; the system takes the first that it asks for."""
JOINED = ("baseline", "visit")
"""Kinds of input that are made of several series: a map and its outline."""


def _result(store: Store, twin: str, **more: str | int) -> Result:
    return {"twin": twin, "version": store.version(twin), **more}


def _asked(at: Bench, told: Mapping[str, Any]) -> str:
    """The twin. Raises StaleError when it is not at the version that the caller looked at."""
    twin, expected = str(told["twin"]), told.get("version")
    now = at.store.version(twin)
    if expected is not None and now != expected:
        raise StaleError(f"version {expected}, where the twin is at {now}", where=twin, remedy="look at the twin again, then ask again")
    return twin


def new(at: Bench, told: Mapping[str, Any]) -> Result:
    """A twin from series of the archive."""
    system = str(told["system"])
    wanted = registry.system(system).planning
    files: dict[str, list[str]] = {}
    for key, places in told.get(FILES, {}).items():
        files.setdefault(_kind(key, wanted, system), []).extend(places)
    paths = [[_path(kind, place) for place in _joined(kind, files[kind])] if kind in files else None for kind in wanted]
    options, names, time = told.get("options") or {}, told.get("names") or {}, str(told.get("time") or "")
    planned = flow.planning(system, *paths, names=names, time=time, options=options)
    return _result(at.store, flow.begin(at.store, planned, actor=told["actor"], progress=at.progress))


def _kind(key: str, wanted: Sequence[str], where: str) -> str:
    """The kind of input that a key means: its name, or `modality:CT`. Raises InputError for one that is not wanted there."""
    modality = key.removeprefix(MODALITY)
    kinds = (key,) if modality == key else KINDS.get(modality, ())
    found = next((kind for kind in kinds if kind in wanted), "")
    if not found:
        raise InputError(f"a series given as {key}"[:80], where=where, remedy=f"say which of {', '.join(wanted)} it is")
    return found


def _path(kind: str, place: str) -> Path:
    """The folder of a series, or its one file where its reader takes files."""
    files = sorted(Path(place).iterdir())
    if not files:
        raise InputError(f"a series without objects, for {kind}", where="the archive", remedy="send it again, or name another series")
    return files[0] if len(files) == 1 else Path(place)


def _joined(kind: str, places: Sequence[str]) -> Sequence[str]:
    """The folders of an input's series: one each, or the first with the objects of all where it is made of several."""
    if kind not in JOINED:
        return places
    for n, place in enumerate(places[1:], start=1):
        for file in sorted(Path(place).iterdir()):
            file.rename(Path(places[0]) / f"{n}_{file.name}")
    return places[:1]


def prepare(at: Bench, told: Mapping[str, Any]) -> Result:
    """A library of plans."""
    twin = _asked(at, told)
    flow.prepare(at.store, twin, k=int(told.get("k") or 8), actor=told["actor"], progress=at.progress)
    return _result(at.store, twin)


def observe(at: Bench, told: Mapping[str, Any]) -> Result:
    """A scan of the archive, seen and assimilated."""
    twin = _asked(at, told)
    first = next((e for e in at.store.of_kind("Ingested", twin=twin) if "system" in e.payload), None)
    if first is None:
        raise UnknownError(f"no twin {twin!r}"[:80], where="the record", remedy="list them: GET /api/twins")
    given, scans = told.get(FILES, {}), registry.system(str(first.payload["system"])).scans
    kind = str(told.get("kind") or "") or _kind(next(iter(given), ""), scans, twin)
    places = _joined(kind, [place for series in given.values() for place in series])
    if len(places) != 1:
        raise InputError(f"{len(places)} series", where=twin, remedy="name the one series to observe")
    path, time = _path(kind, places[0]), str(told.get("time") or "")
    flow.observe(at.store, twin, path, kind=kind, time=time, actor=told["actor"], progress=at.progress)
    return _result(at.store, twin)


def hear(at: Bench, told: Mapping[str, Any]) -> Result:
    """Statements of another record: taken, corrected, withdrawn."""
    twin = _asked(at, told)
    found = heard.hear(at.store, twin, [heard.Said(**said) for said in told["said"]], actor=told["actor"], progress=at.progress)
    return _result(at.store, twin, changed=sum(one.state != heard.KNOWN for one in found), words="\n".join(one.words for one in found))


def decide(at: Bench, told: Mapping[str, Any]) -> Result:
    """Every plan ranked on the newest scan."""
    twin = _asked(at, told)
    found = flow.decide(at.store, twin, actor=told["actor"], override=str(told.get("override") or ""), progress=at.progress)
    return _result(at.store, twin, recommended=found.decision.recommended)


def adapt(at: Bench, told: Mapping[str, Any]) -> Result:
    """A plan made for today."""
    twin, start, seconds = _asked(at, told), str(told.get("start") or ""), float(told.get("seconds") or 45.0)
    found = flow.adapt(at.store, twin, start=start, seconds=seconds, actor=told["actor"], progress=at.progress)
    return _result(at.store, twin, recommended=found.decision.recommended)


def act(at: Bench, told: Mapping[str, Any]) -> Result:
    """What a person chose and gave."""
    twin = _asked(at, told)
    chosen = {name: told[name] for name in ("note", "another", "time", "amount") if told.get(name) is not None}
    event = flow.act(at.store, twin, str(told["plan"]), actor=told["actor"], **chosen)
    return _result(at.store, twin, event=event.hash)


def retract(at: Bench, told: Mapping[str, Any]) -> Result:
    """An entry withdrawn, with what rested on it."""
    twin = _asked(at, told)
    found = flow.retract(at.store, twin, told["event"], str(told["reason"]), actor=told["actor"])
    return _result(at.store, twin, fallen=len(found.fallen), words="\n".join(found.words))


def recompute(at: Bench, told: Mapping[str, Any]) -> Result:
    """What fell, computed again."""
    twin = _asked(at, told)
    made = flow.recompute(at.store, twin, actor=told["actor"], progress=at.progress)
    return _result(at.store, twin, made=len(made))


def report(at: Bench, told: Mapping[str, Any]) -> Result:
    """The report as files in the service's folder."""
    twin = _asked(at, told)
    folder = Path(at.folder) / "reports" / f"{twin}-{at.store.version(twin)}"
    page = flow.report(at.store, twin, folder, made_s=at.store.clock(), progress=at.progress)
    return _result(at.store, twin, page=page.name)


VERBS: Table = {
    "new": new,
    "prepare": prepare,
    "observe": observe,
    "hear": hear,
    "decide": decide,
    "adapt": adapt,
    "act": act,
    "retract": retract,
    "recompute": recompute,
    "report": report,
}
