"""A folder as a public collection lays it out, handed on as visits that `read_visit` takes: label maps with sidecars, made for a while."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from gemel.core.errors import InputError
from gemel.io.glioma_layouts import UPENN, WEEK, read_lumiere, read_upenn_gbm
from gemel.io.mri import VisitRead


@contextmanager
def as_visits(paths: Sequence[Path], *, first: str = "") -> Iterator[tuple[Path, ...]]:
    """Paths for `read_visit`: a folder of either layout as its visits for as long as the block lasts; others go through.

    UPENN-GBM: segmentations of one patient, and the collection's table in the folder or above it where there is a follow-up. LUMIERE: a
    patient's folder, with layout.json that tells `within` and `labels`. `first`: when the clock begins, ISO 8601, which neither tells.
    Raises InputError without it, for several patients, and what the readers raise.
    """
    with TemporaryDirectory(prefix="gemel-") as folder:
        found: list[Path] = []
        for n, path in enumerate(paths):
            held = _visits_of(path, first)
            found += [path] if held is None else [_laid(Path(folder) / str(n), visit) for visit in held]
        yield tuple(found)


def _visits_of(path: Path, first: str) -> tuple[VisitRead, ...] | None:
    """None for what is neither layout."""
    if not path.is_dir():
        return None
    who = sorted({named["who"] for file in path.rglob("*_segm.nii.gz") if (named := UPENN.fullmatch(file.name))})
    if not who and not any(WEEK.fullmatch(inner.name) for inner in path.iterdir()):
        return None
    if not first:
        remedy = "say when the clock begins: --time 2000-01-01T12:00"
        raise InputError("a collection that tells no date of the calendar", where=str(path), remedy=remedy)
    if len(who) > 1:
        raise InputError(f"{len(who)} patients", where=str(path), remedy="give a folder with the files of one")
    if who:
        return read_upenn_gbm(path, who[0], _table_near(path), first=first)
    within, labels = _layout(path / "layout.json")
    return read_lumiere(path, within, labels, first=first)


def _table_near(folder: Path) -> Path | None:
    tables = [file for place in (folder, folder.parent) for file in sorted(place.glob("*.csv"))]
    return next((file for file in tables if "Time_since_baseline_preop" in _head(file)), None)


def _head(path: Path) -> str:
    with path.open(encoding="utf-8-sig", errors="replace") as lines:
        return lines.readline()


def _layout(path: Path) -> tuple[str, dict[str, str]]:
    remedy = 'write {"within": "PROGRAM/segmentation.nii.gz", "labels": {"1": "necrosis", "2": "enhancing", "3": "oedema"}}'
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        return str(fields["within"]), {str(int(value)): str(name) for value, name in fields["labels"].items()}
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise InputError(f"no layout of a patient's weeks ({type(error).__name__})", where=str(path), remedy=remedy) from error


def _laid(folder: Path, visit: VisitRead) -> Path:
    """The label map under a name of its own, and its sidecar."""
    folder.mkdir(exist_ok=True)
    path = folder / f"mri_{visit.acquired[:10]}.nii.gz"
    path.write_bytes(visit.files[0].read_bytes())
    fields = {"AcquisitionDateTime": visit.acquired, "labels": dict(visit.labels)}
    named = fields | ({"PatientID": visit.identity.patient_id} if visit.identity else {})
    path.with_name(path.name.replace(".nii.gz", ".json")).write_text(json.dumps(named), encoding="utf-8")
    return path
