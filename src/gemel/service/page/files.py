"""The files of the built page, read once: what is not among them is not served, so that no address can name another file."""

import mimetypes
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

BUILT = Path(__file__).with_name("built")
INDEX = "index.html"
HOW = (
    "the workbench's page is not built: `make workbench` builds it (it needs Node 20.19 or newer), or install gemel from its wheel; "
    "the API, DICOMweb, FHIR and the DICOM node work without it"
)
TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


@dataclass(frozen=True)
class File:
    """One file: its bytes, the same gzipped (empty when that is not kept), and its media type."""

    content: bytes
    gzipped: bytes
    media_type: str


def is_built(folder: Path = BUILT) -> bool:
    """Whether there is a page to serve."""
    return (folder / INDEX).is_file()


def files(folder: Path = BUILT) -> dict[str, File]:
    """Every file by its address without the leading slash; none before the page is built. A page that is built anew is read anew."""
    return _read(folder, (folder / INDEX).stat().st_mtime_ns) if is_built(folder) else {}


@lru_cache(maxsize=2)
def _read(folder: Path, built_ns: int) -> dict[str, File]:
    found = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix != ".gz")
    return {path.relative_to(folder).as_posix(): _file(path) for path in found}


def _file(path: Path) -> File:
    packed = path.with_name(f"{path.name}.gz")
    kind = TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return File(path.read_bytes(), packed.read_bytes() if packed.is_file() else b"", kind)
