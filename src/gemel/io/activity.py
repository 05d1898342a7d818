"""An image of activity from whatever holds one: SPECT or PET as DICOM, NIfTI with its sidecar; with whose it is."""

from dataclasses import dataclass
from pathlib import Path

from gemel.core.activity import ActivityImage
from gemel.core.errors import InputError
from gemel.io.dicom_file import parse
from gemel.io.dicom_folder import scan
from gemel.io.dicom_header import identity_of, scanner_of
from gemel.io.files import read_bytes
from gemel.io.identity import Identity
from gemel.io.nm import read_nm
from gemel.io.nuclear_header import NOTHING_STATED, Stated
from gemel.io.pet import read_pet
from gemel.io.sidecar import read_activity_nifti


@dataclass(frozen=True)
class ActivityRead:
    """The image, its patient and scanner; a NIfTI has neither."""

    image: ActivityImage
    identity: Identity | None
    scanner: str


def read_activity(path: str | Path, stated: Stated = NOTHING_STATED) -> ActivityRead:
    """The one image of activity at `path`: a DICOM file or folder (NM or PT), or a NIfTI with a JSON sidecar.

    Raises InputError for a folder with neither, or with both.
    """
    path = Path(path)
    if path.name.endswith((".nii", ".nii.gz")):
        return ActivityRead(read_activity_nifti(path, stated=stated), None, "")
    entries = [entry for entry in scan(path) if entry.modality in ("NM", "PT")]
    modalities = sorted({entry.modality for entry in entries})
    if len(modalities) != 1:
        found = " and ".join(modalities) or "no NM or PT image"
        raise InputError(found, where=str(path), remedy="give the folder or file of one SPECT or one PET")
    where = str(entries[0].path)
    header = parse(read_bytes(entries[0].path), where)
    image = read_nm(path, stated) if modalities == ["NM"] else read_pet(path, stated)
    return ActivityRead(image, identity_of(header, where), scanner_of(header, where))
