"""Objects of the archive that an address names, as far as the caller may see them."""

from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import HTTPException, Request

from gemel.core.errors import UnknownError
from gemel.io.uids import is_uid
from gemel.service.security.access import Caller
from gemel.service.security.subjects import subject_of_row
from gemel.service.state import Service

_PAGE = 5000
Row = Mapping[str, str]


@dataclass(frozen=True)
class Address:
    """A study, a series of it, or an instance of that, as the path names them."""

    study: str
    series: str = ""
    instance: str = ""


def address_of(request: Request) -> str:
    """Where DICOMweb is, as the request names this service; the port is added for clients that leave it out of Host, as some do."""
    base, server = request.base_url, request.scope.get("server")
    if base.port is None and server and server[1] not in (None, 80, 443) and base.hostname in (server[0], "localhost"):
        base = base.replace(port=server[1])
    return f"{str(base).rstrip('/')}/dicom-web"


def rows_of(service: Service, address: Address) -> list[Row]:
    """The instances of an address, in the order of their arrival. Raises HTTPException 400 for what is no UID, UnknownError for none."""
    named = {"StudyInstanceUID": address.study, "SeriesInstanceUID": address.series, "SOPInstanceUID": address.instance}
    filters = {keyword: uid for keyword, uid in named.items() if uid}
    for keyword, uid in filters.items():
        if not is_uid(uid):
            raise HTTPException(400, f"{uid[:80]!r} is no UID ({keyword}); a UID has digits and dots only (PS3.5 §9.1)")
    rows: list[Row] = []
    while len(page := service.archive.find("instance", filters, limit=_PAGE, offset=len(rows))) == _PAGE:
        rows += page
    if not rows and not page:
        raise UnknownError("nothing received", where=address.instance or address.series or address.study, remedy="look for it with a query")
    return [*rows, *page]


def one_of(service: Service, address: Address) -> bytes:
    """The bytes of one instance. Raises what `rows_of` raises."""
    content: bytes = service.archive.read(rows_of(service, address)[0]["SOPInstanceUID"])
    return content


HEADERS_NAME = "headers name the patient, whom you may not know; ask for frames, rendered pictures or the volume, or for persons:read"


def require_named(service: Service, caller: Caller, study: str, *, words: str = HEADERS_NAME) -> None:
    """Raises HTTPException 403 for a caller who may see the images of a patient, and not who it is: headers say who."""
    rows = service.archive.find("study", {"StudyInstanceUID": study}, limit=1, offset=0)
    if rows and not caller.knows(subject_of_row(service.guard.key, rows[0])):
        raise HTTPException(403, words)
