"""One DICOM file: bytes → data set, with every malformed input turned into one clear error; data set → bytes."""

import struct
from collections.abc import Callable, Sequence
from io import BytesIO
from typing import Any, TypeVar

import numpy as np
import pydicom
from jaxtyping import Float
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.uid import UID

from gemel.core.errors import InputError
from gemel.core.image import Array
from gemel.io.prescan import require_sound
from gemel.io.uids import require_uid

FAULTS = (
    AttributeError, BytesLengthException, EOFError, IndexError, InvalidDicomError, KeyError, LookupError, NotImplementedError,
    OSError, OverflowError, RecursionError, TypeError, UserWarning, ValueError, struct.error,
)  # fmt: skip
_AGAIN = "export or transfer the file again"
_UNDEFINED_LENGTH = 0xFFFFFFFF
T = TypeVar("T")


def is_dicom(data: bytes) -> bool:
    """True when the bytes carry the DICM prefix of a DICOM file (PS3.10 §7.1)."""
    return data[128:132] == b"DICM"


def parse(data: bytes, where: str, *, pixels: bool = True) -> Dataset:
    """The data set of a DICOM file, whose lengths, depth and sizes were compared with its bytes before any other parser sees it.

    Deflated files are refused: a few bytes can inflate without bound.
    """
    require_sound(data, where)
    dataset = guarded(lambda: pydicom.dcmread(BytesIO(data), stop_before_pixels=not pixels), where)
    guarded(lambda: _require_whole(dataset, where), where)
    return dataset


def guarded(read: Callable[[], T], where: str) -> T:
    """The value of `read()`; whatever a malformed data set makes the parser raise becomes an InputError.

    The parser's own validation is off: what matters is checked here, by strict rules, and not by warnings.
    """
    try:
        with pydicom.config.disable_value_validation():
            return read()
    except FAULTS as error:
        raise InputError(f"a damaged or truncated file ({type(error).__name__}: {str(error)[:120]})", where=where, remedy=_AGAIN) from error


def value(dataset: Dataset, keyword: str, where: str) -> Any:
    """A required element. Raises InputError when it is absent or empty."""
    found = guarded(lambda: dataset.get(keyword), where)
    if found is None or (hasattr(found, "__len__") and len(found) == 0):
        raise InputError(f"no {keyword}", where=where, remedy="export the file again with this element, which the standard requires")
    return found


def text(dataset: Dataset, keyword: str, where: str) -> str:
    """An optional text element; empty when absent."""
    found = guarded(lambda: dataset.get(keyword), where)
    return "" if found is None else str(found).strip()


def uid(dataset: Dataset, keyword: str, where: str) -> str:
    """A required UID of strict form."""
    return require_uid(str(value(dataset, keyword, where)), f"{keyword} of {where}")


def numbers(dataset: Dataset, keyword: str, count: int, where: str) -> Float[Array, "n"]:
    """A required numeric element of `count` finite values (any number when `count` is 0)."""
    found = value(dataset, keyword, where)
    result = guarded(lambda: np.atleast_1d(np.asarray(found, dtype=np.float64)), where)
    if (count and result.shape != (count,)) or not np.isfinite(result).all():
        raise InputError(f"{keyword} = {str(found)[:80]}", where=where, remedy=f"export it again with {count or 'only'} finite value(s)")
    return result


def decimals(dataset: Dataset, keyword: str, where: str) -> Float[Array, "n"]:
    """A long decimal string read in one pass from its raw bytes: contours hold millions of numbers."""
    item = guarded(lambda: dataset.get_item(keyword), where)
    if isinstance(item, RawDataElement) and item.value:
        raw = item.value
        result = guarded(lambda: np.array(raw.split(b"\\")).astype(np.float64), where)
        if np.isfinite(result).all():
            return result
    return numbers(dataset, keyword, 0, where)


def items(dataset: Dataset, keyword: str, where: str) -> Sequence[Dataset]:
    """The items of a sequence; none when it is absent or empty."""
    return guarded(lambda: dataset.get(keyword) or [], where)


def require_class(dataset: Dataset, sop_class: UID, where: str) -> None:
    """Raises InputError unless the object is of that SOP class: a file's modality alone does not say what it holds."""
    found = text(dataset, "SOPClassUID", where)
    if found != sop_class:
        remedy = f"name a file of {sop_class.name} ({sop_class})"
        raise InputError(f"an object of SOPClassUID {found or 'none'}", where=where, remedy=remedy)


def serialise(dataset: Dataset) -> bytes:
    """The bytes of a DICOM file, Explicit VR Little Endian."""
    buffer = BytesIO()
    pydicom.dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()


def _require_whole(dataset: Dataset, where: str) -> None:
    """Every element holds as many bytes as it claims."""
    for tag in list(dataset.keys()):
        item = dataset.get_item(tag)
        if isinstance(item, RawDataElement) and item.value is not None and item.length not in (len(item.value), _UNDEFINED_LENGTH):
            found = f"element {tag} claims {item.length} bytes and has {len(item.value)}: a truncated or damaged file"
            raise InputError(found, where=where, remedy=_AGAIN)
