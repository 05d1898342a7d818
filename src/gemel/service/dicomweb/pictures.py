"""WADO-RS: frames as they are stored or as plain values, and pictures of them. PS3.18 §10.4.1.1.3, §10.4.1.1.6, §8.3.5."""

import math
import re
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Annotated

import numpy as np
from fastapi import APIRouter, HTTPException, Request, Response
from pydicom.uid import UID

from gemel.core.errors import UnknownError
from gemel.io.dicom_frames import Frames, frames_of
from gemel.service.dicomweb.accept import MULTIPART, accepted, choose
from gemel.service.dicomweb.decoding import values_of
from gemel.service.dicomweb.found import Address, one_of, require_named, rows_of
from gemel.service.dicomweb.parts import Part, related
from gemel.service.dicomweb.picture import View, picture
from gemel.service.security.access import Caller, needs
from gemel.service.state import Held, Service

router = APIRouter()
OCTETS = "application/octet-stream"
PICTURES = ("image/jpeg", "image/png")
_MOST = 1000
_NUMBERS = re.compile(r"[1-9][0-9]{0,6}(,[1-9][0-9]{0,6})*")
_STORED: Mapping[str, str] = {
    "1.2.840.10008.1.2.5": "image/dicom-rle", "1.2.840.10008.1.2.4.50": "image/jpeg", "1.2.840.10008.1.2.4.51": "image/jpeg",
    "1.2.840.10008.1.2.4.57": "image/jpeg", "1.2.840.10008.1.2.4.70": "image/jpeg", "1.2.840.10008.1.2.4.80": "image/jls",
    "1.2.840.10008.1.2.4.81": "image/jls", "1.2.840.10008.1.2.4.90": "image/jp2", "1.2.840.10008.1.2.4.91": "image/jp2",
    "1.2.840.10008.1.2.4.201": "image/jphc", "1.2.840.10008.1.2.4.202": "image/jphc", "1.2.840.10008.1.2.4.203": "image/jphc",
}  # fmt: skip
"""Transfer syntax → media type of one frame of it (PS3.18 tables 8.7.3-2, 8.7.3-4)."""
Reader = Annotated[Caller, needs("images:read", patient="study")]
INSTANCE = "/studies/{study}/series/{series}/instances/{instance}"


@router.get(INSTANCE + "/frames/{numbers}")
def frames(study: str, series: str, instance: str, numbers: str, request: Request, service: Held, caller: Reader) -> Response:
    """Frames by their numbers, from 1 on: plain values, or as stored when the stored kind is asked for."""
    found, wanted = _frames(service, caller, Address(study, series, instance)), _wanted(numbers)
    absent = [number for number in wanted if number > len(found.spans)]
    if absent:
        raise UnknownError(f"no frame {absent[0]} of {len(found.spans)}", where=instance, remedy="ask for frames that are there")
    stored = _STORED.get(found.source.transfer_syntax, OCTETS)
    kind = _kind(request, found, stored)
    return related(kind.split(";")[0], _parts(found, wanted, kind))


@router.get(INSTANCE + "/rendered")
def rendered(study: str, series: str, instance: str, request: Request, service: Held, caller: Reader) -> Response:
    """A picture of the first frame."""
    return _picture(request, _frames(service, caller, Address(study, series, instance)), 1)


@router.get(INSTANCE + "/frames/{numbers}/rendered")
def rendered_frame(study: str, series: str, instance: str, numbers: str, request: Request, service: Held, caller: Reader) -> Response:
    """A picture of one frame."""
    found, wanted = _frames(service, caller, Address(study, series, instance)), _wanted(numbers)
    if wanted[0] > len(found.spans):
        raise UnknownError(f"no frame {wanted[0]} of {len(found.spans)}", where=instance, remedy="ask for frames that are there")
    return _picture(request, found, wanted[0])


@router.get(INSTANCE + "/thumbnail")
def thumbnail(study: str, series: str, instance: str, request: Request, service: Held, caller: Reader) -> Response:
    """A small picture of the first frame."""
    return _picture(request, _frames(service, caller, Address(study, series, instance)), 1, side=200)


@router.get("/studies/{study}/series/{series}/thumbnail")
def thumbnail_of_series(study: str, series: str, request: Request, service: Held, caller: Reader) -> Response:
    """A small picture of the middle of a series."""
    rows = rows_of(service, Address(study, series))
    uids = service.archive.files(rows[0]["SeriesInstanceUID"])
    return _picture(request, _frames(service, caller, Address(study, series, uids[len(uids) // 2])), 1, side=200)


def _frames(service: Service, caller: Caller, address: Address) -> Frames:
    """Frames of an instance. Raises HTTPException 403 where they may show a name, to a caller who may not know it."""
    found = frames_of(one_of(service, address), address.instance)
    if found.may_name:
        require_named(service, caller, address.study, words="the picture itself may show who the patient is; ask for persons:read")
    return found


def _wanted(numbers: str) -> list[int]:
    if not _NUMBERS.fullmatch(numbers) or numbers.count(",") >= _MOST:
        raise HTTPException(400, f"{numbers[:64]!r} is no list of frames; write 1 or 1,2,3, at most {_MOST}")
    return [int(part) for part in numbers.split(",")]


def _kind(request: Request, found: Frames, stored: str) -> str:
    """The first kind wanted that can be given, `; stored` after it when the frames go out as they are. Raises HTTPException 406."""
    syntax = found.source.transfer_syntax
    for kind in accepted(request):
        named = kind.type if kind.name == MULTIPART else kind.name
        if found.compressed and (named in (stored, "image/*") or (kind.transfer_syntax == syntax and named in (OCTETS, "", "*/*"))):
            return f"{stored}; stored"
        if named in (OCTETS, "", "*/*", "application/*") and kind.transfer_syntax in ("", "*", "1.2.840.10008.1.2.1", syntax):
            return OCTETS
    words = f'accept multipart/related; type="{OCTETS}"' + (f', or type="{stored}" for {UID(syntax).name}' if found.compressed else "")
    raise HTTPException(406, words)


def _parts(found: Frames, wanted: list[int], kind: str) -> Iterator[Part]:
    """The first frame is made before the answer begins, so that a frame that cannot be decoded is told in words."""
    first = _content(found, wanted[0], kind)
    media = kind.split(";")[0]
    named = f"{media}; transfer-syntax={found.source.transfer_syntax}" if kind.endswith("stored") else media
    return chain([(named, first)], ((named, _content(found, number, kind)) for number in wanted[1:]))


def _content(found: Frames, number: int, kind: str) -> bytes:
    if kind.endswith("stored") or (not found.compressed and found.source.form.little):
        return found.stored(number)
    values = values_of(found, number)
    return np.ascontiguousarray(values.astype(values.dtype.newbyteorder("<"), copy=False)).tobytes()


def _picture(request: Request, found: Frames, number: int, *, side: int = 4096) -> Response:
    kind = choose(request, PICTURES)
    asked = request.query_params
    window = _numbers(asked.get("window", ""), "window", 2)
    viewport = _numbers(asked.get("viewport", ""), "viewport", 2) or (side, side)
    quality = _numbers(asked.get("quality", ""), "quality", 1) or (90,)
    if min(viewport) < 1 or max(viewport) > 8192 or not 1 <= quality[0] <= 100:
        raise HTTPException(400, "viewport has two sides from 1 to 8192 pixels, quality is from 1 to 100")
    view = View((window[0], window[1]) if window else None, (int(viewport[0]), int(viewport[1])), int(quality[0]))
    return Response(picture(found, number, view, kind), media_type=kind)


def _numbers(text: str, name: str, count: int) -> tuple[float, ...]:
    """Numbers of a parameter, parted by commas; none when it is not given. Raises HTTPException 400."""
    if not text:
        return ()
    parts = text.split(",")
    try:
        values = tuple(float(part) for part in parts[:count])
    except ValueError:
        values = ()
    if len(values) < count or not all(map(math.isfinite, values)):
        raise HTTPException(400, f"{name}={text[:64]!r}; write {count} number(s), parted by a comma")
    return values
