"""A map of a quantity as a DICOM Parametric Map of 32-bit floats, by highdicom. PS3.3 A.75, C.7.6.16.2.11."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from highdicom import VOILUTFunctionValues, VOILUTTransformation
from highdicom.pm import ParametricMap, RealWorldValueMapping
from highdicom.sr.coding import CodedConcept

from gemel.core.errors import RangeError
from gemel.core.image import Image, require_same_grid
from gemel.io.dicom_file import serialise
from gemel.io.equipment import stated_maker
from gemel.io.files import write_atomic
from gemel.io.frames import On, made_here, planes, pointed, settled
from gemel.io.orientation import along_lps
from gemel.io.uids import content_uid


@dataclass(frozen=True)
class Quantity:
    """What the values are: a short label (16 characters), a sentence, and the unit as a UCUM code with its words."""

    label: str
    explanation: str
    ucum: str
    unit: str


TIME_INTEGRATED_ACTIVITY = Quantity("TIA", "time-integrated activity concentration", "Bq.s/ml", "becquerel second per millilitre")
DISPLACEMENT_SD = Quantity("SD", "standard deviation of where tissue was found", "mm", "millimetre")
ADC = Quantity("ADC", "apparent diffusion coefficient", "um2/s", "square micrometre per second")


def write_parametric_map(path: str | Path, image: Image, volume: On, quantity: Quantity, *, description: str = "") -> str:
    """Write a map on the frames of a volume; returns its SOPInstanceUID, which follows from the content.

    Stored as they are, without a scale; content qualification RESEARCH. Raises GeometryError for a map on another grid, RangeError for
    values that are not finite.
    """
    require_same_grid(image, volume.image, str(path))
    if not np.isfinite(image.array).all():
        raise RangeError("values that are not finite", where=str(path), remedy="set voxels without a value to 0 knowingly before")
    array = along_lps(image.array, image.affine_mm)[0].astype(np.float32).transpose(2, 1, 0)
    content = content_uid("PM", volume.sop_uid, quantity.label, quantity.ucum, description, np.ascontiguousarray(array).tobytes())
    top = max(float(array.max()), 1e-6)
    dataset = ParametricMap(
        source_images=planes(volume),
        pixel_array=np.ascontiguousarray(array),
        **made_here(content),
        contains_recognizable_visual_features=False,
        real_world_value_mappings=[_mapping(quantity, float(array.min()), top)],
        voi_lut_transformations=[
            VOILUTTransformation(window_center=top / 2, window_width=top, voi_lut_function=VOILUTFunctionValues.LINEAR_EXACT)
        ],
        content_description=description[:64] or quantity.explanation[:64],
    )
    dataset.Laterality = ""
    write_atomic(path, serialise(stated_maker(settled(pointed(dataset, volume), volume))))
    return content


def _mapping(quantity: Quantity, low: float, high: float) -> RealWorldValueMapping:
    return RealWorldValueMapping(
        lut_label=quantity.label,
        lut_explanation=quantity.explanation[:64],
        unit=CodedConcept(quantity.ucum, "UCUM", quantity.unit),
        value_range=(low, high),
        slope=1.0,
        intercept=0.0,
    )
