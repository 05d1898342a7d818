"""Images, isodoses, charts of a twin."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import FileResponse

from gemel.service.api import cached
from gemel.service.api.answers.pictures import Charts, Images, Isodose
from gemel.service.api.asked import Answers, At, TwinId, answered
from gemel.service.api.newest import stamp
from gemel.service.security.access import needs

router = APIRouter(tags=["pictures"])
Key = Annotated[str, Path(pattern="^[0-9a-f]{40}$", description="A volume's key, as the images give it.", examples=["0" * 40])]
LOOK = [needs("twins:read", patient="twin_id")]
FOREVER = "private, max-age=31536000, immutable"
NIFTI = "application/gzip"


class Volume(FileResponse):
    """A file in few parts: each costs a turn of a thread."""

    chunk_size = 1 << 20


@router.get("/api/twins/{twin_id}/images", response_model=Images, dependencies=LOOK)
async def images(request: Request, twin_id: TwinId, at: At) -> Response:
    """Every volume of the twin: scans, regions, doses and forecasts, each with the time it speaks of."""
    return await answered(request, "images", twin_id, at)


@router.get(
    "/api/twins/{twin_id}/volumes/{key}.nii.gz",
    response_class=FileResponse,
    responses={200: {"content": {NIFTI: {}}, "description": "NIfTI-1, gzip; the same key, the same bytes."}},
    dependencies=[needs("images:read", patient="twin_id")],
)
async def volume(request: Request, reading: Answers, twin_id: TwinId, key: Key, at: At) -> Response:
    """One volume for a viewer."""
    reading.forget_erased()
    held = stamp(reading.newest, twin_id)
    path = cached.place_of(reading.folder, twin_id, key)
    if f'"{key}"' in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers={"ETag": f'"{key}"', "Cache-Control": FOREVER})
    if not cached.used(path):
        path = await reading.volume(held, at, key)
    return Volume(path, media_type=NIFTI, headers={"ETag": f'"{key}"', "Cache-Control": FOREVER})


@router.get("/api/twins/{twin_id}/isodose/{key}", response_model=Isodose, dependencies=LOOK)
async def isodose(
    request: Request,
    twin_id: TwinId,
    key: Key,
    at: At,
    of_Gy: Annotated[float | None, Query(gt=0, le=1000, allow_inf_nan=False, description="The dose that is 100 %.")] = None,
) -> Response:
    """Levels at which a dose may be outlined, with colours."""
    more = {"key": key} | ({"of_Gy": repr(of_Gy)} if of_Gy is not None else {})
    return await answered(request, "isodose", twin_id, at, **more)


@router.get("/api/twins/{twin_id}/charts", response_model=Charts, dependencies=LOOK)
async def charts(request: Request, twin_id: TwinId, at: At) -> Response:
    """Charts and tables as numbers; null where a number is not finite."""
    return await answered(request, "charts", twin_id, at)
