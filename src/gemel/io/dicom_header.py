"""Who and when: identity and time of acquisition from a data set's header."""

from pydicom.dataset import Dataset
from pydicom.valuerep import DA, TM

from gemel.core.errors import InputError
from gemel.io.dicom_file import guarded, text, uid
from gemel.io.identity import Identity


def identity_of(dataset: Dataset, where: str) -> Identity:
    """Patient, study, series and frame of reference; UIDs of strict form."""
    return Identity(
        patient_id=text(dataset, "PatientID", where),
        issuer=text(dataset, "IssuerOfPatientID", where),
        study_uid=uid(dataset, "StudyInstanceUID", where),
        series_uid=uid(dataset, "SeriesInstanceUID", where),
        frame_uid=uid(dataset, "FrameOfReferenceUID", where),
        modality=text(dataset, "Modality", where),
        patient_name=text(dataset, "PatientName", where),
    )


def scanner_of(dataset: Dataset, where: str) -> str:
    """The machine in one line: manufacturer, model, station and serial number (PS3.3 C.7.5.1), whichever are stated; empty when none."""
    named = ("Manufacturer", "ManufacturerModelName", "StationName", "DeviceSerialNumber")
    return " ".join(filter(None, (text(dataset, keyword, where) for keyword in named)))


def acquired_at(dataset: Dataset, where: str) -> str:
    """ISO 8601 local time of acquisition, else of the series; empty when neither is stated.

    The study's date is not taken: a CBCT filed under the planning study would carry the day of the planning scan.
    """
    stamp = text(dataset, "AcquisitionDateTime", where)
    candidates = [
        (text(dataset, "AcquisitionDate", where), text(dataset, "AcquisitionTime", where)),
        (stamp[:8], stamp[8:].split("+")[0].split("-")[0]),
        (text(dataset, "SeriesDate", where), text(dataset, "SeriesTime", where)),
    ]
    dated = [(date, time) for date, time in candidates if date]
    return dicom_moment(*dated[0], where) if dated else ""


def studied_at(dataset: Dataset, where: str) -> str:
    """ISO 8601 local time of the study; empty when it is not stated. Good for a planning scan, which has a study of its own."""
    date = text(dataset, "StudyDate", where)
    return dicom_moment(date, text(dataset, "StudyTime", where), where) if date else ""


def dicom_moment(date: str, time: str, where: str) -> str:
    """DA and TM (PS3.5 §6.2) → ISO 8601."""
    day = guarded(lambda: DA(date), where)
    moment = guarded(lambda: TM(time), where) if time else None
    if day is None:
        raise InputError(f"a date {date!r}", where=where, remedy="export the file again with a date YYYYMMDD")
    return f"{day:%Y-%m-%d}" if moment is None else f"{day:%Y-%m-%d}T{moment.isoformat()}"
