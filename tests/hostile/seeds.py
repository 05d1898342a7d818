"""Good objects of many kinds to be spoiled: those that pydicom brings, synthetic slices, and real ones where they are."""

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pydicom
from pydicom.uid import generate_uid

from gemel.core.errors import InputError
from gemel.io.prescan import scan
from tests.hostile.build import file
from tests.hostile.crafted import fresh

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"
_REAL = ("cort_dicom/TG119", "openkbp/pt_1_dicom", "pelvis_dicom", "nuclear/lu177_fap_spect")
_LARGEST_BYTES = 400_000


@dataclass(frozen=True)
class Seed:
    """A good object: what it is, its bytes, the UID in them that each spoiled copy has replaced."""

    name: str
    content: bytes
    uid: str

    def copy(self) -> bytes:
        """The object under a UID of its own of the same length."""
        return self.content.replace(self.uid.encode(), fresh().encode())


def seeds() -> list[Seed]:
    """One for each file that the scan lets through; of the real ones, one for each modality and folder."""
    found = [seed for path in (*_of_pydicom(), *_real()) if (seed := _seed(path)) is not None]
    uid = fresh()
    return [Seed("synthetic CT", file(uid, side=32), uid), *found]


def _of_pydicom() -> Iterator[Path]:
    folder = Path(pydicom.__file__).parent / "data" / "test_files"
    yield from (path for path in sorted(folder.rglob("*.dcm")) if path.stat().st_size <= _LARGEST_BYTES)


def _real() -> Iterator[Path]:
    for name in _REAL:
        kinds: dict[str, Path] = {}
        for path in sorted((SHARED / name).rglob("*.dcm")) if (SHARED / name).is_dir() else []:
            if path.stat().st_size <= _LARGEST_BYTES:
                kinds.setdefault(path.name[:2], path)
        yield from kinds.values()


def _seed(path: Path) -> Seed | None:
    """The file under new UIDs, written again by pydicom; None when it is not let through as it is or cannot be written."""
    try:
        known = scan(path.read_bytes())
    except InputError:
        return None
    uid, others = fresh(), {known.study_instance_uid: generate_uid(entropy_srcs=[str(path), "study"])}
    others[known.series_instance_uid] = generate_uid(entropy_srcs=[str(path), "series"])
    with pydicom.config.disable_value_validation():
        data_set = pydicom.dcmread(path)
        data_set.SOPInstanceUID = data_set.file_meta.MediaStorageSOPInstanceUID = uid
        data_set.StudyInstanceUID = others[known.study_instance_uid]
        data_set.SeriesInstanceUID = others[known.series_instance_uid]
        stream = BytesIO()
        data_set.save_as(stream)
    return Seed(path.stem, stream.getvalue(), uid)
