"""DICOM matching over the index."""

from collections.abc import Iterator

import pytest

from gemel.core.errors import InputError
from gemel.service.archive import Archive, open_archive
from tests.unit.service.slices import ct_file


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    """Five studies of a CT series each; the third has an MR series too, and a description with brackets."""
    opened = open_archive(tmp_path_factory.mktemp("find") / "archive")
    opened.put_many([ct_file(number, study=study) for study in range(1, 6) for number in (1, 2)], source="A")
    extra = {"Modality": "MR", "StudyTime": "101530", "StudyDescription": "a[b]c", "PatientID": "P3"}
    opened.put(ct_file(1, series=2, study=3, **extra), source="A")
    opened.put(ct_file(1, study=6, StudyDescription="a[b]c", StudyTime="101530", PatientName="MÜLLER^Eva"), source="A")
    opened.put(ct_file(1, study=7, StudyDate="", PatientName="100%^x"), source="A")
    yield opened
    opened.close()


def studies(archive: Archive, **filters: str) -> list[int]:
    """Numbers of the studies that match."""
    return [int(row["StudyInstanceUID"].rpartition(".")[2]) for row in archive.find("study", filters)]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, [1, 2, 3, 4, 5, 6, 7]),
        ({"PatientID": ""}, [1, 2, 3, 4, 5, 6, 7]),
        ({"PatientID": "*"}, [1, 2, 3, 4, 5, 6, 7]),
        ({"PatientID": "P4"}, [4]),
        ({"PatientID": "p4"}, []),
        ({"PatientID": "P?"}, [1, 2, 3, 4, 5, 6, 7]),
        ({"PatientID": "?4*"}, [4]),
        ({"PatientName": "curie^marie2"}, [2]),
        ({"PatientName": "CURIE*"}, [1, 2, 3, 4, 5]),
        ({"PatientName": "100%*"}, [7]),
        ({"PatientName": "*%*"}, [7]),
        ({"PatientName": "M_LLER*"}, []),
        ({"StudyDate": "20260102"}, [2]),
        ({"StudyDate": "20260102-20260104"}, [2, 3, 4]),
        ({"StudyDate": "20260104-"}, [4, 5, 6]),
        ({"StudyDate": "-20260102"}, [1, 2]),
        ({"StudyTime": "1015-1016"}, [6]),
        ({"StudyTime": "-1015"}, [6]),
        ({"StudyTime": "1016-"}, []),
        ({"StudyDescription": "a[b]*"}, [6]),
        ({"StudyInstanceUID": "1.2.826.0.1.2\\1.2.826.0.1.5"}, [2, 5]),
        ({"StudyInstanceUID": "1.2.826.0.1.2,1.2.826.0.1.5"}, [2, 5]),
        ({"ModalitiesInStudy": "MR"}, [3]),
        ({"ModalitiesInStudy": "M*"}, [3]),
        ({"Modality": "MR"}, [3]),
        ({"SOPInstanceUID": "1.2.826.0.1.5.1.2"}, [5]),
        ({"Modality": "CT", "PatientID": "P3"}, [3]),
        ({"Modality": "PT"}, []),
        ({"PatientID": "' OR 1=1 --"}, []),
    ],
)
def test_matching(archive: Archive, filters: dict[str, str], found: list[int]) -> None:
    assert studies(archive, **filters) == found


def test_an_attribute_that_is_not_kept_is_refused_with_the_nearest(archive: Archive) -> None:
    with pytest.raises(InputError, match="did you mean PatientName"):
        archive.find("study", {"PatientsName": "x"})
    with pytest.raises(InputError, match="no range"):
        archive.find("study", {"StudyDate": "2026-x"})
    with pytest.raises(InputError, match="limit"):
        archive.find("study", {}, offset=-1)


def test_pages_join_to_the_whole(archive: Archive) -> None:
    pages = [archive.find("instance", {}, limit=5, offset=offset) for offset in (0, 5, 10)]
    uids = [row["SOPInstanceUID"] for page in pages for row in page]
    assert len(set(uids)) == len(uids) == 13
    assert [len(page) for page in pages] == [5, 5, 3]


def test_a_series_knows_its_study_and_its_size(archive: Archive) -> None:
    first, second = archive.find("series", {"StudyInstanceUID": "1.2.826.0.1.3"})
    assert (first["Modality"], first["NumberOfSeriesRelatedInstances"], first["PatientName"]) == ("CT", "2", "Curie^Marie3")
    assert (second["Modality"], second["NumberOfSeriesRelatedInstances"]) == ("MR", "1")
    (study,) = archive.find("study", {"StudyInstanceUID": "1.2.826.0.1.3"})
    assert (study["ModalitiesInStudy"], study["NumberOfStudyRelatedSeries"], study["NumberOfStudyRelatedInstances"]) == ("CT\\MR", "2", "3")
