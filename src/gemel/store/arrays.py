"""Named arrays as bytes: an uncompressed .npz whose bytes depend on the arrays alone."""

import io
import zipfile
from collections.abc import Mapping

import numpy as np
from jaxtyping import Shaped

from gemel.core.errors import InputError, StoreError
from gemel.core.image import Array


def pack(named: Mapping[str, Shaped[Array, "..."]]) -> bytes:
    """The bytes of an .npz: members by name, little-endian, C order, no dates. Raises InputError for arrays of Python objects."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(named):
            entry = zipfile.ZipInfo(f"{name}.npy")  # dated 1980-01-01
            entry.create_system = 3  # the same bytes on every system
            archive.writestr(entry, _member(name, named[name]))
    return out.getvalue()


def _member(name: str, array: Shaped[Array, "..."]) -> bytes:
    if array.dtype.hasobject:
        raise InputError("an array of Python objects", where=name, remedy="keep numbers, booleans or fixed-width text")
    out = io.BytesIO()
    ordered = np.asarray(array, dtype=array.dtype.newbyteorder("<"), order="C")
    np.lib.format.write_array(out, ordered, version=(1, 0), allow_pickle=False)
    return out.getvalue()


def unpack(content: bytes, where: str) -> dict[str, Array]:
    """The arrays of `pack`. Raises StoreError when the bytes hold something else."""
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (ValueError, OSError, zipfile.BadZipFile, AttributeError, TypeError) as error:
        raise StoreError("an artefact that does not hold arrays", where=where, remedy="read it with get()") from error
