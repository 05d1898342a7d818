"""WADO-RS: headers as DICOM JSON, and the values that are left out of them. PS3.18 §10.4.1.1.2, §10.4.1.1.5."""

import re
from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import StreamingResponse

from gemel.core.errors import UnknownError
from gemel.io.dicom_json import dicom_json, value_at
from gemel.service.dicomweb.accept import JSON, MULTIPART, choose
from gemel.service.dicomweb.found import Address, Row, address_of, one_of, require_named, rows_of
from gemel.service.dicomweb.parts import related
from gemel.service.security.access import Caller, needs
from gemel.service.state import Held, Service

router = APIRouter()
OCTETS = "application/octet-stream"
_PATH = re.compile(r"[0-9A-F]{8}(/[1-9][0-9]{0,6}/[0-9A-F]{8}){0,64}")
Reader = Annotated[Caller, needs("images:read", patient="study")]


@router.get("/studies/{study}/metadata")
def metadata_of_study(study: str, request: Request, service: Held, caller: Reader) -> Response:
    """Headers of all objects of a study."""
    return _headers(request, service, caller, Address(study))


@router.get("/studies/{study}/series/{series}/metadata")
def metadata_of_series(study: str, series: str, request: Request, service: Held, caller: Reader) -> Response:
    """Headers of all objects of a series."""
    return _headers(request, service, caller, Address(study, series))


@router.get("/studies/{study}/series/{series}/instances/{instance}/metadata")
def metadata_of_instance(study: str, series: str, instance: str, request: Request, service: Held, caller: Reader) -> Response:
    """The header of one object."""
    return _headers(request, service, caller, Address(study, series, instance))


@router.get("/studies/{study}/series/{series}/instances/{instance}/bulkdata/{path:path}")
def bulk(study: str, series: str, instance: str, path: str, request: Request, service: Held, caller: Reader) -> Response:
    """One value that a header left out, named TAG, or TAG/item/TAG… within sequences."""
    require_named(service, caller, study)
    if not _PATH.fullmatch(path):
        raise HTTPException(400, "name a value as TAG, or TAG/item/TAG, as the metadata does")
    numbers = tuple(int(part, 10 if place % 2 else 16) for place, part in enumerate(path.split("/")))
    content = value_at(one_of(service, Address(study, series, instance)), numbers, instance)
    if content is None:
        raise UnknownError(f"no element {path}", where=instance, remedy="take an address from the metadata")
    if choose(request, (MULTIPART, OCTETS)) == MULTIPART:
        return related(OCTETS, [(OCTETS, content)])
    return Response(content, media_type=OCTETS)


def _headers(request: Request, service: Service, caller: Caller, address: Address) -> Response:
    kind = choose(request, JSON)
    require_named(service, caller, address.study)
    base = f"{address_of(request)}/studies/{address.study}/series"
    return StreamingResponse(_array(service, rows_of(service, address), base), media_type=kind)


def _array(service: Service, rows: list[Row], base: str) -> Iterator[str]:
    for number, row in enumerate(rows):
        uid = row["SOPInstanceUID"]
        bulk = f"{base}/{row['SeriesInstanceUID']}/instances/{uid}/bulkdata"
        yield ("," if number else "[") + dicom_json(service.archive.read(uid), bulk=bulk, where=uid)
    yield "]"
