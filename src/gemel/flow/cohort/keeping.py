"""What a task returned, as the queue keeps it and back: JSON in the row, with small arrays in it; large arrays as an artefact."""

import base64
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Shaped

from gemel.core.errors import InputError
from gemel.core.image import Array
from gemel.store import arrays as packing
from gemel.store.artefacts import Artefacts
from gemel.store.event import canonical

SMALL = 1 << 16  # bytes of arrays up to which they stand in the row: a file of its own takes several flushes of the disk


def keep(given: object, where: str, artefacts: Artefacts) -> tuple[str, str]:
    """Canonical JSON, and the artefact of the arrays or nothing. Raises InputError for what is not a mapping of finite values."""
    value, arrays = split(given, where)
    packed = packing.pack(arrays) if arrays else b""
    small = base64.b64encode(packed).decode() if len(packed) <= SMALL else ""
    text = canonical({"value": value, "arrays": small}, where)
    return text, artefacts.put_arrays(arrays) if len(packed) > SMALL else ""


def unkeep(text: str, name: str, artefacts: Artefacts) -> tuple[Mapping[str, Any], dict[str, Array]]:
    """The value and the arrays that were kept as `text` and the artefact `name`."""
    held = json.loads(text)
    if name:
        return held["value"], artefacts.get_arrays(name)
    return held["value"], packing.unpack(base64.b64decode(held["arrays"]), "a result") if held["arrays"] else {}


def split(given: object, where: str) -> tuple[dict[str, Any], dict[str, Shaped[Array, "..."]]]:
    """What was returned as JSON and arrays. Raises InputError when it is not a mapping of finite values."""
    if not isinstance(given, Mapping):
        raise InputError(f"a result that is a {type(given).__name__}", where=where, remedy="return a mapping, name → value or array")
    arrays = {str(name): value for name, value in given.items() if isinstance(value, np.ndarray)}
    for name, array in arrays.items():
        if array.dtype.kind in "fc" and not np.isfinite(array).all():
            remedy = "return finite numbers; leave out what is not known"
            raise InputError("an array that is not finite", where=f"{where}: {name}", remedy=remedy)
    return {name: value for name, value in given.items() if name not in arrays}, arrays
