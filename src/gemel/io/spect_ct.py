"""A patient's SPECT/CT time points in: one folder a scan with a SPECT and a CT in it, as the SNMMI Lu-177 challenge lays them out.

`Patient_004/SPECT_Cts/scan1/{spect,ct}`. Uribe et al. 2021, J Nucl Med 62(Suppl 3):36S; data DOI 10.7302/864r-tb45.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gemel.core.activity import ActivityImage, require_series
from gemel.core.errors import InputError
from gemel.core.image import Image
from gemel.io.activity import read_activity
from gemel.io.dicom_image import read_dicom
from gemel.io.identity import Identity, require_same_patient
from gemel.io.nuclear_header import NOTHING_STATED, Stated


@dataclass(frozen=True)
class SpectCt:
    """One time point: activity, the CT of the same session, and the folder's name."""

    spect: ActivityImage
    ct: Image
    name: str


def read_spect_ct(folder: str | Path, stated: Sequence[Stated] | Stated = NOTHING_STATED) -> tuple[SpectCt, ...]:
    """The scans of `folder` in time order; `folder` is a patient's, or that of the scans. `stated`: for all, or one a scan by its number.

    Raises InputError for a scan without a SPECT or CT and folders that hold no scan, IdentityError for two patients, and what
    `require_series` raises for scans of several injections.
    """
    folder = Path(folder)
    places = [place for name in ("", "SPECT_Cts", "SPECT_CTs", "SPECT_CT") for place in _scans(folder / name)]
    if not places:
        raise InputError("no scan", where=str(folder), remedy="name a folder with scan1/spect and scan1/ct, scan2/…")
    told = [stated] * len(places) if isinstance(stated, Stated) else list(stated)
    if len(told) != len(places):
        raise InputError(f"{len(told)} statements for {len(places)} scans", where=str(folder), remedy="state one a scan, or one for all")
    known: list[Identity] = []
    scans = []
    for place, one in zip(places, told, strict=True):
        read = read_activity(_part(place, "spect"), one)
        known += [read.identity] if read.identity else []
        require_same_patient(known[0], known[-1], str(place)) if known else None
        scans.append(SpectCt(read.image, read_dicom(_part(place, "ct")), place.name))
    scans.sort(key=lambda scan: scan.spect.acquired_s)
    require_series(tuple(scan.spect for scan in scans))
    return tuple(scans)


def _scans(folder: Path) -> list[Path]:
    """`scan1`, `scan2`, … in the order of their numbers."""
    if not folder.is_dir():
        return []
    found = [(int(match[1]), place) for place in folder.iterdir() if (match := re.fullmatch(r"scan[_ ]?(\d+)", place.name.lower()))]
    return [place for _, place in sorted(found)]


def _part(place: Path, kind: str) -> Path:
    found = [part for part in place.iterdir() if part.name.lower() == kind]
    if len(found) != 1:
        raise InputError(f"no {kind}", where=str(place), remedy=f"put the {kind.upper()} of the scan into {place.name}/{kind}")
    return found[0]
