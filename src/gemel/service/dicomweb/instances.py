"""WADO-RS: objects as they were received. PS3.18 §10.4."""

from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, HTTPException, Request, Response

from gemel.service.dicomweb.accept import MULTIPART, Kind, accepted
from gemel.service.dicomweb.found import Address, Row, require_named, rows_of
from gemel.service.dicomweb.parts import Part, related
from gemel.service.security.access import Caller, needs
from gemel.service.state import Held, Service

router = APIRouter()
DICOM = "application/dicom"
Reader = Annotated[Caller, needs("images:read", patient="study")]


@router.get("/studies/{study}")
def study_of(study: str, request: Request, service: Held, caller: Reader) -> Response:
    """All objects of a study."""
    return _objects(request, service, caller, Address(study))


@router.get("/studies/{study}/series/{series}")
def series_of(study: str, series: str, request: Request, service: Held, caller: Reader) -> Response:
    """All objects of a series."""
    return _objects(request, service, caller, Address(study, series))


@router.get("/studies/{study}/series/{series}/instances/{instance}")
def instance_of(study: str, series: str, instance: str, request: Request, service: Held, caller: Reader) -> Response:
    """One object; alone when `application/dicom` is accepted."""
    return _objects(request, service, caller, Address(study, series, instance))


def _objects(request: Request, service: Service, caller: Caller, address: Address) -> Response:
    require_named(service, caller, address.study)
    rows = rows_of(service, address)
    kind = _kind(request, rows, alone=bool(address.instance))
    if kind.name == DICOM:
        return Response(service.archive.read(rows[0]["SOPInstanceUID"]), media_type=DICOM)
    return related(DICOM, _parts(service, rows))


def _kind(request: Request, rows: list[Row], *, alone: bool) -> Kind:
    """The first kind wanted that can be given: as received, or in the syntax that all objects have. Raises HTTPException 406."""
    stored = {row.get("TransferSyntaxUID", "") for row in rows}
    for kind in accepted(request):
        fits = kind.transfer_syntax in ("", "*") or stored == {kind.transfer_syntax}
        if fits and (kind.name == "*/*" or (kind.name == MULTIPART and kind.type in ("", DICOM, "*/*"))):
            return Kind(MULTIPART)
        if fits and alone and kind.name in (DICOM, "application/*"):
            return Kind(DICOM)
    words = (
        f'accept multipart/related; type="{DICOM}"; transfer-syntax=*: objects are given as they were received ({", ".join(stored)[:200]})'
    )
    raise HTTPException(406, words)


def _parts(service: Service, rows: list[Row]) -> Iterator[Part]:
    for row in rows:
        syntax = row.get("TransferSyntaxUID", "")
        kind = f"{DICOM}; transfer-syntax={syntax}" if syntax else DICOM
        yield kind, service.archive.read(row["SOPInstanceUID"])
