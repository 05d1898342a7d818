"""`gemel twin new`: planning images and what belongs to them become a twin."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from inspect import signature
from pathlib import Path
from typing import Any

from gemel import io
from gemel.core.digest import digest
from gemel.core.errors import InputError
from gemel.core.packing import pack
from gemel.core.system import Progress, System, silent
from gemel.core.time import seconds
from gemel.flow import registry
from gemel.flow.observe import observe
from gemel.flow.promote import with_prior
from gemel.flow.sources import Asked, Paths, Source, keep, listed, read
from gemel.store import Store


@dataclass(frozen=True)
class Planning:
    """Planning data read and accepted, before anything is written: the case, the files it came from, and the id it will have.

    `files` are those of each input in turn; `first`: inputs (kind, files) that the twin has yet to observe, in time order; `asked`: the
    kind of each input, names of contours, and options, as they were given: with the files, all that the case is made of.
    """

    system: str
    case: Any
    identity: io.Identity
    seed: int
    structures: tuple[str, ...]
    notes: tuple[str, ...]
    start_s: float
    files: tuple[tuple[Path, ...], ...]
    first: tuple[tuple[str, tuple[Path, ...]], ...]
    asked: Mapping[str, Any]
    twin_id: str


def new(
    store: Store,
    system_name: str,
    *paths: Paths,
    names: Mapping[str, str] | None = None,
    time: str = "",
    actor: str = "",
    options: Mapping[str, Any] | None = None,
    progress: Progress = silent,
) -> str:
    """Id of a new twin, or of the one that the same files already made: `planning` and then `begin`. Nothing is written when refused."""
    return begin(store, planning(system_name, *paths, names=names, time=time, options=options), actor=actor, progress=progress)


def planning(
    system_name: str,
    *paths: Paths,
    names: Mapping[str, str] | None = None,
    time: str = "",
    options: Mapping[str, Any] | None = None,
) -> Planning:
    """The planning data, read and checked without a store; `paths` in the order of the system's `planning`, None for what is missing.

    `names` maps contour names of the hospital to those of the system ("" leaves one out); `time` is ISO 8601, needed when
    the first images state neither their own time nor their study's. `options` go to the system, which names them; a file named as
    `prior` is read here, so that the record holds what it says.
    """
    system, chosen = registry.system(system_name), with_prior(options or {})
    given = {kind: listed(found) for kind, found in zip(system.planning, paths)}
    _require_known(system, given, chosen)
    sources = _read(system, given, Asked(system, names, chosen))
    case = system.begin(*(_value(sources.get(kind, ())) for kind in system.planning), **chosen)
    everything = [source for found in sources.values() for source in found]
    named: dict[str, Any] = {kind: [source.digest for source in found] for kind, found in sources.items()}
    if told := [source.told for source in everything if source.told]:
        named["told"] = told
    return Planning(
        system=system_name,
        case=case,
        identity=next((source.identity for source in everything if source.identity), io.Identity("")),
        seed=int(everything[0].digest[:7], 16),
        structures=tuple(sorted(name for source in sources.get("structures", ()) for name in source.value.masks)),
        notes=tuple(system.notes(case)),
        start_s=system.starts(case) if system.starts else _start_s(everything, time),
        files=tuple(source.files for source in everything),
        first=_first(system, sources),
        asked={"kinds": [kind for kind, found in sources.items() for _ in found], "names": dict(names or {}), "options": chosen},
        twin_id=f"{system_name}-{digest({**named, 'options': chosen})[:10]}",
    )


def begin(store: Store, planned: Planning, *, actor: str = "", progress: Progress = silent) -> str:
    """Id of the twin, written unless the store holds it already, and its first scans observed. The original files are kept.

    Who the patient is lies beside the chain of events, so that it can be erased.
    """
    days: dict[Path, Any] = {}
    if planned.twin_id not in store.twins():
        days = _looked_at(planned, progress)
        _ingest(store, planned, actor)
    for kind, files in planned.first:
        seen = {name for event in store.events(planned.twin_id) if event.kind == "Observed" for name in event.inputs}
        if not seen.issuperset(keep(store, *files)):
            observe(store, planned.twin_id, files[0], kind=kind, actor=actor, progress=progress, day=days.get(files[0]))
    return planned.twin_id


def _looked_at(planned: Planning, progress: Progress) -> dict[Path, Any]:
    """What the first scans show, by file, before anything is written: a scan that cannot be used leaves no twin behind."""
    system = registry.system(planned.system)
    asked = Asked(system, planned.asked["names"], planned.asked["options"])
    return {files[0]: system.observe(planned.case, read(kind, files[0], asked).value, progress) for kind, files in planned.first}


def _ingest(store: Store, planned: Planning, actor: str) -> None:
    kept = [keep(store, *files) for files in planned.files]
    packed = store.artefacts.put_arrays(pack(planned.case))
    payload = {
        "system": planned.system,
        "case": packed,
        "seed": planned.seed,
        "notes": list(planned.notes),
        "structures": list(planned.structures),
        "asked": {**planned.asked, "files": [len(names) for names in kept]},
    }
    with store.together():
        store.append(
            planned.twin_id,
            "Ingested",
            payload | {"person": store.keep_person(asdict(planned.identity))},
            valid_s=planned.start_s,
            actor=actor,
            seed=planned.seed,
            inputs=tuple(name for names in kept for name in names),
            outputs=(packed,),
            expected_version=0,
        )


def _read(system: System, given: Mapping[str, Sequence[Path]], asked: Asked) -> dict[str, tuple[Source, ...]]:
    """Every input, by kind; a later one may rest on those before it. Raises IdentityError unless all are of one patient."""
    sources: dict[str, tuple[Source, ...]] = {}
    for kind, paths in given.items():
        sources[kind] = tuple(read(kind, path, asked) for path in paths)
        asked = replace(asked, before={**asked.before, kind: sources[kind][0]} if sources[kind] else asked.before)
    everything = [source for found in sources.values() for source in found]
    if not everything:
        raise InputError("no input", where=system.name, remedy=f"give {' or '.join('--' + kind for kind in system.planning)}")
    known = [source for source in everything if source.identity]
    for source in known[1:]:
        io.require_same_patient(known[0].identity, source.identity, str(source.files[0]))  # type: ignore[arg-type]
    return sources


def _first(system: System, sources: Mapping[str, Sequence[Source]]) -> tuple[tuple[str, tuple[Path, ...]], ...]:
    """Scans among what the twin begins with, in time order: it has yet to observe them."""
    kinds = system.first or tuple(kind for kind in system.planning[:1] if kind in system.scans)
    scans = [(source.acquired, kind, source.files) for kind in kinds for source in sources.get(kind, ())]
    return tuple((kind, files) for _, kind, files in sorted(scans))


def _value(found: Sequence[Source]) -> Any:
    """None for none, the value of one, a tuple for several."""
    values = tuple(source.value for source in found)
    return (None, *values)[len(values)] if len(values) < 2 else values


def _require_known(system: System, given: Mapping[str, Sequence[Path]], options: Mapping[str, Any]) -> None:
    """Raises InputError for an input that `begin` cannot do without, and an option that it does not take."""
    parameters = list(signature(system.begin).parameters.values())
    for kind, parameter in zip(system.planning, parameters):
        if not given.get(kind) and parameter.default is parameter.empty and parameter.kind is parameter.POSITIONAL_OR_KEYWORD:
            raise InputError(f"no {kind}", where=f"new {system.name}", remedy=f"give --{kind} PATH")
    names = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY]
    unknown = sorted(set(options) - set(names))
    if unknown and not any(p.kind is p.VAR_KEYWORD for p in parameters):
        raise InputError(f"an option {unknown[0]!r}", where=system.name, remedy=f"it takes {', '.join(names) or 'no options'}")


def _start_s(sources: Sequence[Source], time: str) -> float:
    stated = time or next((s.acquired or s.studied for s in sources if s.acquired or s.studied), "")
    if not stated:
        raise InputError("a CT that states no acquisition time", where="CT", remedy="state it with --time 2026-01-31T08:30")
    return seconds(stated)
