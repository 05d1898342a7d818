"""Queries of the index of received objects at a million instances, without HTTP: by all that one searches by, at each level.

Claim: 95 % of queries under 50 ms. The index is filled with made-up entries: 10,000 studies of 4,000 patients, 2 series of 50 instances
each; `fill` is for other benchmarks to use. No peer is run: the claim is absolute.
"""

import argparse
import json
import os
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from gemel.service.archive import index
from gemel.service.archive.archive import open_archive
from gemel.service.archive.entry import Entry, Place
from gemel.service.archive.writing import write

SERIES, INSTANCES = 2, 50
FAMILIES = ("Curie", "Meitner", "Noether", "Franklin", "Hodgkin", "Lovelace", "Hopper", "Germain", "Kovalevskaya", "Wu")
ROOT = "1.2.826.0.7"


def entries(study: int) -> Iterator[Entry]:
    """The instances of one made-up study."""
    person, day = study * 7919 % 4000, study * 104729 % 3650
    shared = {
        "StudyInstanceUID": f"{ROOT}.{study}",
        "PatientID": f"P{person:05d}",
        "PatientName": f"{FAMILIES[person % 10]}^{person:05d}",
        "PatientSex": "FM"[person % 2],
        "StudyDate": time.strftime("%Y%m%d", time.gmtime(1_483_228_800 + 86_400 * day)),
        "StudyTime": f"{study % 24:02d}{study % 60:02d}00",
        "AccessionNumber": f"A{study:06d}",
        "StudyDescription": ("pelvis", "head", "thorax", "abdomen")[study % 4],
        "ReferringPhysicianName": f"Doctor^{study % 50}",
    }
    for number in range(SERIES):
        series = shared | {"SeriesInstanceUID": f"{ROOT}.{study}.{number}", "Modality": ("CT", "MR", "PT")[(study + number) % 3]}
        series |= {"SeriesNumber": str(number), "SeriesDescription": f"series {number}", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.2"}
        for instance in range(INSTANCES):
            tags = series | {"SOPInstanceUID": f"{ROOT}.{study}.{number}.{instance}", "InstanceNumber": str(instance)}
            yield Entry(tags, "bench", 1.7e9 + study, bytes(32), place=Place(1, 0, 0, 0))


def fill(folder: Path, instances: int) -> int:
    """Fills an archive's index; returns how many studies. No bytes stand behind the instances."""
    archive, studies = open_archive(folder), instances // (SERIES * INSTANCES)
    for begin in range(0, studies, 100):
        batch = [entry for study in range(begin, min(begin + 100, studies)) for entry in entries(study)]
        with index.changing(archive.index.writer):
            write(archive.index.writer, batch)
    archive.index.writer.execute("DELETE FROM segment")
    archive.close()
    return studies


def queries(studies: int) -> dict[str, tuple[str, Callable[[random.Random], dict[str, str]], int]]:
    """Kinds of queries: level, filters, greatest offset."""
    one = f"{ROOT}.{{}}"
    return {
        "studies, first page": ("study", lambda draw: {}, 0),
        "studies, any page": ("study", lambda draw: {}, studies - 100),
        "studies of a patient": ("study", lambda draw: {"PatientID": f"P{draw.randrange(4000):05d}"}, 0),
        "study by accession number": ("study", lambda draw: {"AccessionNumber": f"A{draw.randrange(studies):06d}"}, 0),
        "studies of a month": ("study", lambda draw: {"StudyDate": f"2019{draw.randint(1, 12):02d}01-2019{draw.randint(1, 12):02d}31"}, 0),
        "studies, name begins": ("study", lambda draw: {"PatientName": f"{draw.choice(FAMILIES)}*"}, 0),
        "studies, name contains": ("study", lambda draw: {"PatientName": f"*{draw.randrange(4000):05d}"}, 0),
        "studies, name matches nothing": ("study", lambda draw: {"PatientName": "*Nobody*"}, 0),
        "studies by modality and date": ("study", lambda draw: {"ModalitiesInStudy": "MR", "StudyDate": "20200101-20200401"}, 0),
        "series of a study": ("series", lambda draw: {"StudyInstanceUID": one.format(draw.randrange(studies))}, 0),
        "series by modality, any page": ("series", lambda draw: {"Modality": "PT"}, studies // 2),
        "series of a description and patient": (
            "series",
            lambda draw: {"SeriesDescription": "series 1", "PatientID": f"P{draw.randrange(4000):05d}"},
            0,
        ),
        "instances of a series": ("instance", lambda draw: {"SeriesInstanceUID": f"{one.format(draw.randrange(studies))}.1"}, 0),
        "instances of a study": ("instance", lambda draw: {"StudyInstanceUID": one.format(draw.randrange(studies))}, 0),
        "instance by UID": (
            "instance",
            lambda draw: {"SOPInstanceUID": f"{one.format(draw.randrange(studies))}.0.{draw.randrange(50)}"},
            0,
        ),
        "instances of a patient": ("instance", lambda draw: {"PatientID": f"P{draw.randrange(4000):05d}"}, 0),
        "instances, first page": ("instance", lambda draw: {}, 0),
        "instances, any page": ("instance", lambda draw: {}, studies * SERIES * INSTANCES - 100),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--instances", type=int, default=1_000_000)
    parser.add_argument("--each", type=int, default=40)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        start_s = time.perf_counter()
        studies = fill(Path(name), asked.instances)
        size_mb = (Path(name) / "index.db").stat().st_size >> 20
        print(f"{asked.instances} instances filled in {time.perf_counter() - start_s:.0f} s, index of {size_mb} MB")
        start_s = time.perf_counter()
        archive, draw, every = open_archive(Path(name)), random.Random(1), list[float]()
        print(f"opened in {1e3 * (time.perf_counter() - start_s):.0f} ms")
        for kind, (level, filters, furthest) in queries(studies).items():
            times_ms = []
            for _ in range(asked.each):
                asked_for, offset = filters(draw), draw.randint(0, furthest)
                start_s = time.perf_counter()
                rows = archive.find(level, asked_for, limit=100, offset=offset)
                times_ms.append(1e3 * (time.perf_counter() - start_s))
            every += times_ms
            times_ms.sort()
            middle, high = (times_ms[int(part * len(times_ms))] for part in (0.5, 0.95))
            print(f"{kind:38s} {len(rows):4d} rows, median {middle:6.1f} ms, 95 % {high:6.1f} ms")
        every.sort()
        archive.close()
    p50_ms, p95_ms = (round(every[int(part * len(every))], 2) for part in (0.5, 0.95))
    print(json.dumps({"queries": len(every), "p50_ms": p50_ms, "p95_ms": p95_ms, "load": os.getloadavg()[0]}))


if __name__ == "__main__":
    main()
