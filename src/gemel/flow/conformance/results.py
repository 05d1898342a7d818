"""Where results are kept: beside the plug-in when its author ships them, else in the user's data folder; each names the code it is of."""

import json
from dataclasses import asdict, fields, replace
from math import isfinite, nan
from pathlib import Path
from typing import Any

import gemel
from gemel.core.card import Evidence, Examination
from gemel.core.errors import ConformanceError
from gemel.core.system import System
from gemel.flow.code import SHIPPED, digest_of, home
from gemel.flow.data_folder import examinations
from gemel.io.files import write_atomic

PARTS = ("core", "engines/inference", "flow/conformance", "flow/choice.py", "flow/synthetic.py")
"""Parts of gemel itself on which a result hangs."""


def code_digest(name: str, system: System) -> str:
    """SHA-256 over the files of the system's own package and those of gemel that examine it: a result is of this code and no other."""
    inside = Path(gemel.__file__).parent
    return digest_of(name, (home(system), *(inside / part for part in PARTS)))


def keep(examination: Examination, folder: Path | None = None) -> Path:
    """Keeps the result where `gemel models` finds it; a full examination is not replaced by a fast one of the same code."""
    place = examinations(folder) / f"{examination.system}-{examination.code[:16]}.json"
    known = _read(place)
    if known is None or known.budget != "full" or examination.budget == "full":
        write_atomic(place, as_json(examination).encode())
    return place


def kept(name: str, system: System, folder: Path | None = None) -> Examination | None:
    """The result for exactly this code: the user's own, else the one shipped beside the system; None when there is none."""
    code = code_digest(name, system)
    place = home(system)
    shipped = (place if place.is_dir() else place.parent) / SHIPPED
    own = examinations(folder) / f"{name}-{code[:16]}.json"
    for found in map(_read, (own, shipped)):
        if found is not None and found.code == code:
            return found
    return None


def as_json(examination: Examination) -> str:
    """The result without its pictures; numbers that are not finite become null."""
    held = asdict(replace(examination, pictures=())) | {"conformant": examination.conformant}
    held["table"] = [{k: None if isinstance(v, float) and not isfinite(v) else v for k, v in line.items()} for line in held["table"]]
    return json.dumps(held, indent=1, ensure_ascii=False, allow_nan=False)


def from_json(text: str) -> Examination:
    """The result of a JSON text. Raises ConformanceError when it is not one."""
    try:
        held = json.loads(text)
        numbers = ("number", "low", "high")
        rows: list[dict[str, Any]] = [{k: nan if v is None and k in numbers else v for k, v in row.items()} for row in held["table"]]
        table = tuple(Evidence(**row) for row in rows)
        rest = {f.name: held[f.name] for f in fields(Examination) if f.name not in ("table", "pictures")}
        return Examination(**rest, table=table)
    except (ValueError, TypeError, KeyError) as error:
        raise ConformanceError(f"not a result ({error})", where="conformance", remedy="run: gemel conform MODEL") from error


def _read(place: Path) -> Examination | None:
    return from_json(place.read_text(encoding="utf-8")) if place.is_file() else None
