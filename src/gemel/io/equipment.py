"""What made an object, and that it is for research: said in every result handed on. DICOM PS3.3 C.12.1, C.7.5.2; PS3.16 CID 7005."""

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from gemel import __version__
from gemel.io.dicom_object import coded

RESEARCH = "Research use. Computed by gemel; not a medical device; not verified by a person."
SERIAL, USE, LONGEST = "none", "research use", 64


def stated_maker(dataset: Dataset) -> Dataset:
    """The data set with gemel and its version as the equipment that contributed last, and the notice there and in the series' name."""
    item = Dataset()
    item.PurposeOfReferenceCodeSequence = Sequence([coded("109102", "DCM", "Processing Equipment")])
    item.Manufacturer = item.ManufacturerModelName = "gemel"
    item.SoftwareVersions = dataset.SoftwareVersions = __version__
    item.ContributionDescription = RESEARCH
    dataset.ContributingEquipmentSequence = Sequence([*dataset.get("ContributingEquipmentSequence", []), item])
    if USE not in str(dataset.get("SeriesDescription", "")):
        dataset.SeriesDescription = f"{str(dataset.get('SeriesDescription', ''))[: LONGEST - len(USE) - 2]}, {USE}"
    dataset.DeviceSerialNumber = dataset.get("DeviceSerialNumber") or SERIAL
    return dataset
