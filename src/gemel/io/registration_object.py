"""What both registration objects have in common: series, content, the images that they join. DICOM PS3.3 C.20.1 to C.20.4, C.12.2."""

from dataclasses import dataclass
from itertools import groupby

import numpy as np
from jaxtyping import Float
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from gemel.core.image import Array
from gemel.io.dicom_object import decimal, new_dataset, reference
from gemel.io.equipment import RESEARCH, stated_maker
from gemel.io.identity import Identity


@dataclass(frozen=True)
class Sources:
    """The images that were registered, (SOP class, SOP Instance UID), and the date and time that the registration speaks of (DA, TM).

    `fixed` lie in the registered frame, `moving` in the source's; `fixed_series`, `moving_series`: their (study, series).
    """

    date: str
    time: str
    fixed: tuple[tuple[str, str], ...] = ()
    moving: tuple[tuple[str, str], ...] = ()
    fixed_series: tuple[str, str] = ("", "")
    moving_series: tuple[str, str] = ("", "")


def registration_object(sop_class: str, sop_uid: str, identity: Identity, frame: str, said: tuple[Sources, str]) -> Dataset:
    """A registration without its transform; `said`: sources and a description. Never approved."""
    sources, description = said
    dataset = new_dataset(sop_class, "REG", identity, sop_uid, frame=frame, description=description or "registration, research use")
    dataset.ContentDate, dataset.ContentTime = sources.date, sources.time
    dataset.ContentLabel, dataset.ContentDescription, dataset.ContentCreatorName = "GEMEL", RESEARCH[:64], ""
    dataset.Laterality = ""
    del dataset.OperatorsName
    _add_references(dataset, sources, str(dataset.StudyInstanceUID))
    return stated_maker(dataset)


def _add_references(dataset: Dataset, sources: Sources, study: str) -> None:
    """The images by series, of this study and of others (C.12.2): every instance that the object names, and none else."""
    sides = (sources.fixed_series, sources.fixed), (sources.moving_series, sources.moving)
    named = sorted((*of, images) for of, images in sides if of[1] and images)
    own = [_series(series, images) for at, series, images in named if at == study]
    if own:
        dataset.ReferencedSeriesSequence = Sequence(own)
    others = []
    for at, group in groupby([row for row in named if row[0] != study], key=lambda row: row[0]):
        item = Dataset()
        item.StudyInstanceUID, item.ReferencedSeriesSequence = at, Sequence([_series(series, images) for _, series, images in group])
        others.append(item)
    if others:
        dataset.StudiesContainingOtherReferencedInstancesSequence = Sequence(others)


def _series(series: str, images: tuple[tuple[str, str], ...]) -> Dataset:
    item = Dataset()
    item.SeriesInstanceUID, item.ReferencedInstanceSequence = series, Sequence([reference(*image) for image in images])
    return item


def decimals_of(matrix: Float[Array, "4 4"]) -> list[str]:
    """Sixteen decimal strings, row by row."""
    return [decimal(number) for number in np.asarray(matrix, dtype=np.float64).ravel()]
