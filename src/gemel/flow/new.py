"""`gemel twin new`: a planning CT and its contours become a twin."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gemel import io
from gemel.core.digest import digest
from gemel.core.errors import InputError, StructureError
from gemel.core.packing import pack
from gemel.core.structures import Structures
from gemel.core.system import System
from gemel.core.time import seconds
from gemel.flow import registry
from gemel.store import Store


@dataclass(frozen=True)
class Planning:
    """Planning data read and accepted, before anything is written: the case, the files it came from, and the id it will have."""

    system: str
    case: Any
    series: io.Series
    structures: tuple[str, ...]
    notes: tuple[str, ...]
    start_s: float
    files: tuple[Path, Path]
    twin_id: str


def new(
    store: Store,
    system_name: str,
    ct: Path,
    structures: Path,
    *,
    names: Mapping[str, str] | None = None,
    time: str = "",
    actor: str = "",
    options: Mapping[str, Any] | None = None,
) -> str:
    """Id of a new twin, or of the one that the same files already made: `planning` and then `begin`. Nothing is written when refused."""
    return begin(store, planning(system_name, ct, structures, names=names, time=time, options=options), actor=actor)


def planning(
    system_name: str,
    ct: Path,
    structures: Path,
    *,
    names: Mapping[str, str] | None = None,
    time: str = "",
    options: Mapping[str, Any] | None = None,
) -> Planning:
    """The planning data, read and checked without a store.

    `names` maps contour names of the hospital to those of the system ("" leaves one out); `time` is ISO 8601, needed when
    the CT states neither its own time nor its study's. `options` go to the system, which names them.
    """
    system = registry.system(system_name)
    series = io.read_series(ct)
    read = io.read_structures(structures, series, names=names)
    start_s = _start_s(series.acquired or series.studied, time)
    case = system.begin(series.image, standard_names(read, system), **(options or {}))
    twin_id = f"{system_name}-{digest({'ct': series.digest, 'masks': dict(read.masks), 'options': dict(options or {})})[:10]}"
    return Planning(system_name, case, series, tuple(sorted(read.masks)), tuple(system.notes(case)), start_s, (ct, structures), twin_id)


def begin(store: Store, planned: Planning, *, actor: str = "") -> str:
    """Id of the twin, written unless the store holds it already. The original files are kept, named by their content.

    Who the patient is lies beside the chain of events, so that it can be erased.
    """
    if planned.twin_id in store.twins():
        return planned.twin_id
    originals = tuple(name for path in planned.files for name in keep(store, path))
    packed = store.artefacts.put_arrays(pack(planned.case))
    seed = int(planned.series.digest[:7], 16)
    payload = {
        "system": planned.system,
        "case": packed,
        "seed": seed,
        "notes": list(planned.notes),
        "structures": list(planned.structures),
    }
    with store.together():
        store.append(
            planned.twin_id,
            "Ingested",
            payload | {"person": store.keep_person(asdict(planned.series.identity))},
            valid_s=planned.start_s,
            actor=actor,
            seed=seed,
            inputs=originals,
            outputs=(packed,),
            expected_version=0,
        )
    return planned.twin_id


def standard_names(read: Structures, system: System) -> Structures:
    """The structures under the system's own names. Raises StructureError for a name it does not know, or two that mean the same."""
    masks: dict[str, np.ndarray] = {}
    for name, mask in read.masks.items():
        standard = system.canonical(name)
        if standard in masks:
            raise StructureError(f"two structures that mean {standard}", where="RTSTRUCT", remedy=f"leave one out with --map {name}=")
        masks[standard] = mask
    return Structures(read.grid, masks)


def keep(store: Store, path: Path) -> tuple[str, ...]:
    """Hashes of the original files, kept in the store: the file, or every file of the folder."""
    files = sorted(p for p in path.iterdir() if p.is_file()) if path.is_dir() else [path]
    return tuple(store.artefacts.put(file) for file in files)


def _start_s(acquired: str, time: str) -> float:
    if not (time or acquired):
        raise InputError("a CT that states no acquisition time", where="CT", remedy="state it with --time 2026-01-31T08:30")
    return seconds(time or acquired)
