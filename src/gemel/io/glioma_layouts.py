"""Serial segmentations of gliomas as two public collections lay them out, as visits.

    UPENN-GBM-00001_11_segm.nii.gz, UPENN-GBM-00001_21_segm.nii.gz      1 necrosis, 2 oedema, 4 enhancing; a table of days
    Patient-001/week-000-1/…/seg_mask.nii.gz, Patient-001/week-044/…    labels depend on the program that segmented: say them

Neither tells a date of the calendar: `first` says which day the clock begins. Bakas et al. 2022, Sci Data 9:453 (UPENN-GBM); Suter et al.
2022, Sci Data 9:768 (LUMIERE).
"""

import csv
import re
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

from gemel.core.errors import InputError
from gemel.core.time import DAY_S, iso, seconds
from gemel.io.identity import Identity
from gemel.io.mri import VisitRead, labelled
from gemel.io.nifti import read_nifti

UPENN_LABELS = {"1": "necrosis", "2": "oedema", "4": "enhancing"}
UPENN = re.compile(r"(?P<who>UPENN-GBM-\d{5})_(?P<visit>\d\d)_segm\.nii\.gz")
WEEK = re.compile(r"week-(?P<week>\d{3})(?:-(?P<part>\d))?")


def read_upenn_gbm(folder: str | Path, patient: str, table: str | Path | None, *, first: str) -> tuple[VisitRead, ...]:
    """Visits of one patient (`UPENN-GBM-00001`) by date; `table`: CSV with columns ID (`UPENN-GBM-00001_21`) and
    Time_since_baseline_preop in days, absent for the visit before surgery (no table:
    only that). Raises InputError for no visits, or a follow-up without its day.
    """
    days = _days(Path(table)) if table else {}
    found = []
    for path in sorted(Path(folder).rglob(f"{patient}_*_segm.nii.gz")):
        named = UPENN.fullmatch(path.name)
        if named and named["who"] == patient:
            name = f"{patient}_{named['visit']}"
            if name not in days and not named["visit"].startswith("1"):
                raise InputError(
                    f"no day of {name}", where=str(table or folder), remedy="put the clinical table of the collection beside it"
                )
            found.append((days.get(name, 0.0), path))
    return _visits(found, patient, UPENN_LABELS, first, str(folder))


def read_lumiere(folder: str | Path, within: str, labels: Mapping[str, str], *, first: str) -> tuple[VisitRead, ...]:
    """Visits of one patient's folder; `within`: path of the segmentation below a week's, which may lack it; `labels`: name by value.

    `week-000-1` and `week-000-2` lie a day apart: before and after surgery. Raises InputError for no visits.
    """
    folder, found = Path(folder), []
    for path in sorted(p for p in folder.iterdir() if p.is_dir()):
        named = WEEK.fullmatch(path.name)
        if named and (path / within).is_file():
            found.append((7.0 * int(named["week"]) + max(0, int(named["part"] or 1) - 1), path / within))
    return _visits(found, folder.name, labels, first, str(folder))


def _days(table: Path) -> dict[str, float]:
    """Days after the first scan by visit."""
    with table.open(newline="", encoding="utf-8-sig") as lines:
        rows = list(csv.DictReader(lines))
    if not rows or not {"ID", "Time_since_baseline_preop"} <= set(rows[0]):
        raise InputError(
            "no columns ID and Time_since_baseline_preop", where=str(table), remedy="give the clinical table of the collection"
        )
    try:
        return {row["ID"]: float(row["Time_since_baseline_preop"]) for row in rows if _is_number(row["Time_since_baseline_preop"])}
    except ValueError as error:
        raise InputError(f"a day that is no number ({error})", where=str(table), remedy="write days, or Not Available") from error


def _is_number(text: str | None) -> bool:
    return bool(text) and str(text).strip().lower() not in ("not available", "na", "")


def _visits(found: list[tuple[float, Path]], who: str, labels: Mapping[str, str], first: str, where: str) -> tuple[VisitRead, ...]:
    found = sorted(found)
    if not found:
        raise InputError(f"no segmentation of {who}", where=where, remedy="check the folder, the name and the layout")
    for (a, one), (b, other) in pairwise(found):
        if b - a < 0.5:
            raise InputError(f"two visits on one day: {one.name}, {other.name}", where=where, remedy="keep one of them")
    start_s = seconds(first)
    return tuple(labelled(read_nifti(path), labels, iso(start_s + day * DAY_S), Identity(who), (path,)) for day, path in found)
