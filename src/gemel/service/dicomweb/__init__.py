"""DICOMweb over the archive: query (QIDO-RS), retrieve (WADO-RS), store (STOW-RS), and one volume of a series. PS3.18."""

from fastapi import APIRouter

from gemel.service.dicomweb import instances, metadata, pictures, search, store, volume

router = APIRouter(prefix="/dicom-web", tags=["DICOMweb"])
for part in (search, metadata, pictures, volume, instances, store):
    router.include_router(part.router)

__all__ = ["router"]
