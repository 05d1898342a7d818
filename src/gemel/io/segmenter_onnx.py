"""A trained network that segments: an ONNX file, run where the images are. Needs onnxruntime: `pip install gemel[onnx]`.

The network takes one float32 tensor (1, channels, x, y, z), the images in the order given, on their own grid and in their own units: what
it was trained on (spacing, scaling, a crop) belongs into the network or before this. It gives scores (1, classes, x, y, z), of which the
highest counts, class 0 being background, or labels (1, x, y, z). Open Neural Network Exchange, https://onnx.ai.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from gemel.core.digest import digest
from gemel.core.errors import GeometryError, InputError
from gemel.core.image import Array, Image, require_same_grid
from gemel.core.visit import Segmented
from gemel.io.mri import labelled


def segment_by_onnx(model: str | Path, images: Sequence[Image], names: Mapping[int, str], *, acquired_s: float) -> Segmented:
    """Regions by name of the network's classes (from 1), on the grid of the images.

    Raises InputError without onnxruntime, for a file that is no network or fails, and for a result of another form; GeometryError for
    images on several grids; StructureError for a class without a name.
    """
    where = str(model)
    if not images:
        raise InputError("no image to segment", where=where, remedy="give the images that the network was trained on, in its order")
    for image in images[1:]:
        require_same_grid(images[0], image, where)
    tensor = np.stack([np.asarray(image.array, dtype=np.float32) for image in images])[None]
    labels = _labels(_run(Path(model), tensor), images[0].shape, where)
    grid = Image(labels.astype(np.float32), images[0].affine_mm, images[0].frame)
    found = labelled(grid, {str(value): name for value, name in names.items()}, "", None, (Path(model),))
    return Segmented(found.structures, acquired_s, f"{Path(model).name}#{digest(tensor)[:8]}{found.digest[:8]}")


def _run(model: Path, tensor: Float[Array, "one c x y z"]) -> Array:
    """The network's first output."""
    runtime, where = _runtime(str(model)), str(model)
    if not model.is_file():
        raise InputError("no such file", where=where, remedy="name the .onnx file of the network")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # sums in one order, whatever the machine
    try:
        session = runtime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        inputs = session.get_inputs()
        found = session.run(None, {inputs[0].name: tensor}) if len(inputs) == 1 else []
    except Exception as error:  # the runtime raises classes of its own, without a common one
        found, why = [], " ".join(str(error).split())[:160]
        raise InputError(f"a network that cannot be run ({why})", where=where, remedy="check its inputs; export it again") from error
    if len(found) == 0:
        raise InputError(f"a network of {len(inputs)} inputs", where=where, remedy="export one that takes all images as channels of one")
    return np.asarray(found[0])


def _runtime(where: str) -> Any:
    try:
        import onnxruntime  # type: ignore[import-untyped]
    except ImportError as error:
        raise InputError("no onnxruntime to run a network", where=where, remedy="pip install gemel[onnx]") from error
    return onnxruntime


def _labels(found: Array, shape: tuple[int, int, int], where: str) -> Int[Array, "x y z"]:
    """Class of each voxel, from scores or labels."""
    if found.shape in ((1, 1, *shape), (1, *shape)) and np.issubdtype(found.dtype, np.integer):
        return np.asarray(found.reshape(shape).astype(np.int64))
    if found.ndim == 5 and found.shape[0] == 1 and found.shape[1] > 1 and found.shape[2:] == shape and np.isfinite(found).all():
        return np.asarray(found[0].argmax(axis=0))
    found_words, size = f"a result of shape {found.shape} and type {found.dtype}", ", ".join(map(str, shape))
    remedy = f"export a network that gives scores (1, classes, {size}) or whole labels (1, {size})"
    raise GeometryError(found_words, where=where, remedy=remedy)
