"""A series as one NIfTI volume: what a viewer or a script wants, made by the reader that twins use. An extension of ours to PS3.18."""

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
from importlib import resources
from pathlib import Path
from threading import BoundedSemaphore
from typing import Annotated

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse
from starlette.background import BackgroundTask

from gemel.core.errors import InputError
from gemel.service.dicomweb.found import Address, Row, rows_of
from gemel.service.dicomweb.line import standing_in
from gemel.service.jobs.running import laid_out_in
from gemel.service.security.access import Caller, needs
from gemel.service.state import Held, Service

router = APIRouter()
_CHILD = resources.files("gemel.service.dicomweb").joinpath("volume_child.py")
_LONGEST_S = 60.0
_LARGEST_OBJECTS = 4000
_AT_ONCE, _LINE = BoundedSemaphore(2), BoundedSemaphore(8)
_NUMBER = re.compile(r"\S*?(\d{6})\.dcm")
MODALITIES = ("CT", "MR", "PT", "RTDOSE")
Reader = Annotated[Caller, needs("images:read", patient="study")]


@router.get("/studies/{study}/series/{series}/volume.nii.gz")
def volume(study: str, series: str, request: Request, service: Held, caller: Reader) -> Response:
    """The series as one upright volume; a tilted, uneven or incomplete one is refused, in words."""
    return _answered(service, Address(study, series), request, "volume.nii.gz")


@router.get("/studies/{study}/series/{series}/volume.nii")
def volume_plain(study: str, series: str, request: Request, service: Held, caller: Reader) -> Response:
    """The same, not packed: sooner there on a quick network, for who waits for a picture."""
    return _answered(service, Address(study, series), request, "volume.nii")


def _answered(service: Service, address: Address, request: Request, name: str) -> Response:
    rows = rows_of(service, address)
    told = "".join([name, *sorted(row["SOPInstanceUID"] for row in rows)])
    tag = f'"{hashlib.sha256(told.encode()).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    modality = rows[0].get("Modality", "")
    if modality not in MODALITIES or len(rows) > _LARGEST_OBJECTS:
        found = f"{len(rows)} objects of modality {modality or 'none'}"
        raise InputError(
            found, where=address.series, remedy=f"ask for a series of {', '.join(MODALITIES)} of at most {_LARGEST_OBJECTS} objects"
        )
    folder = Path(tempfile.mkdtemp(prefix="volume-", dir=laid_out_in(service.settings.folder)))
    try:
        target = _made(service, folder, rows, name)
    except BaseException:
        shutil.rmtree(folder)
        raise
    done = BackgroundTask(shutil.rmtree, folder)
    media = "application/gzip" if name.endswith(".gz") else "application/octet-stream"
    return FileResponse(target, media_type=media, headers=headers, filename=name, background=done)


def _made(service: Service, folder: Path, rows: list[Row], name: str) -> Path:
    """Raises InputError in the reader's words, with an object's UID where it names a file; HTTPException 429 when too many ask."""
    series, target = rows[0]["SeriesInstanceUID"], folder / name
    command = [sys.executable, "-P", "-W", "ignore", str(_CHILD), str(folder / "objects"), rows[0]["Modality"], str(target)]
    try:
        with standing_in(_LINE), _AT_ONCE:
            service.archive.export(series, folder / "objects")
            done = subprocess.run(command, capture_output=True, timeout=_LONGEST_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise InputError(f"a series that takes longer than {_LONGEST_S:g} s to read", where=series, remedy="ask for its objects") from error
    if done.returncode == 3:
        uids = service.archive.files(series)
        found, where, remedy = (_NUMBER.sub(lambda named: uids[int(named[1]) - 1], text) for text in json.loads(done.stdout))
        raise InputError(found, where=where, remedy=remedy)
    if done.returncode:
        raise InputError(f"a series on which the reader was stopped (status {done.returncode})", where=series, remedy="ask for its objects")
    return target
