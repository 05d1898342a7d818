"""Claim: re-optimised from the chosen plan, today's plan is better than one begun from nothing in the same time.

    python benchmarks/warm_start.py [--data ../shared/data] [--days 1 4 8] [-k 8] [--clock wall] [--limits 2 5 10 20 40] [--out FILE]

Real pelvis, simulated cone-beam CTs. The twin chooses a plan of its library; on the anatomy that the scan showed, the same spots, the same
margins (1.5 mm, 3.5 %, 21 scenarios) and the same matrices are searched from the chosen plan's weights (warm) and from equal weights (cold)
for several time limits, of the wall clock or, on a machine that others use, of processor time. Value: the robust objective. Score: on the
anatomy that the scan showed, and on the true one with what the scan got wrong left in.
"""

import argparse
import resource
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from real_pelvis import judged, table, true_day  # type: ignore[import-not-found]

from gemel import flow, store
from gemel.core.time import DAY_S, iso
from gemel.engines.optimise.warm import carry_over
from gemel.flow.session import day_of, plan_of, scan_of
from gemel.systems.prostate_radiotherapy.adapt import finished, posed_today, searched
from gemel.systems.prostate_radiotherapy.case import rsp_of
from gemel.systems.prostate_radiotherapy.library import beamline
from gemel.systems.prostate_radiotherapy.plans import matched

CLOCKS = {"wall": time.monotonic, "cpu": time.process_time}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    parser.add_argument("--days", type=int, nargs="+", default=[1, 4, 8])
    parser.add_argument("-k", type=int, default=8)
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    parser.add_argument("--limits", type=float, nargs="+", default=[2, 5, 10, 20, 40])
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, store.open(Path(folder) / "twins.db") as record:
        page = course(record, asked)
    if asked.out:
        asked.out.write_text(page, encoding="utf-8")
    print(page)


def course(record: store.Store, asked: argparse.Namespace) -> str:
    data, dicom = asked.data, asked.data / "pelvis_dicom"
    twin_id = flow.new(record, "prostate", dicom, dicom / "RTSTRUCT.dcm")
    flow.prepare(record, twin_id, k=asked.k)
    start_s = flow.open_session(record, twin_id).twin.start_s
    rows: list[list[str]] = []
    clocks = []
    for day in asked.days:
        began = time.perf_counter()
        flow.observe(record, twin_id, data / "pelvis_days" / f"cbct_{day:02d}.nii.gz", time=iso(start_s + day * DAY_S))
        decided = flow.decide(record, twin_id)
        chosen_s = time.perf_counter() - began
        rows += compared(record, twin_id, day, decided.event, asked)
        began = time.perf_counter()
        made = flow.adapt(record, twin_id)
        clocks.append([str(day), f"{chosen_s:.0f}", f"{time.perf_counter() - began:.0f}", made.decision.recommended])
        flow.act(record, twin_id, made.decision.recommended)
        print(f"day {day} done", flush=True)
    head = ["day", "from", "seconds", "begun", "iterations", "value", "score as seen", "score on the truth"]
    peak_GB = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return "\n".join(
        [
            "# Warm start against cold start on the day",
            "",
            *table(head, rows),
            *table(["day", "scan in, plan out / s", "adapt / s", "recommended then"], clocks),
            f"Peak memory of the main process {peak_GB:.2f} GB.",
        ]
    )


def compared(record: store.Store, twin_id: str, number: int, decided: store.Event, asked: argparse.Namespace) -> list[list[str]]:
    """A row for each start and time limit; the chosen plan as it is comes first."""
    session = flow.open_session(record, twin_id)
    case, day = session.case, day_of(session, scan_of(session, decided))
    plan = plan_of(session, decided.payload["recommended"])
    truth = true_day(asked.data / "pelvis_days", number, case)
    seen_rsp, true_rsp = rsp_of(day.ct, day.structures), rsp_of(truth.ct, truth.structures)

    def scores(of: object) -> list[str]:
        at = matched(of, day.structures, beamline(case))
        really = replace(at, isocentre_mm=at.isocentre_mm + day.setup_mm - truth.setup_mm)
        return [f"{judged(of, seen_rsp, day, at)['score']:.1f}", f"{judged(of, true_rsp, truth, really)['score']:.1f}"]

    began = time.perf_counter()
    posed = posed_today(case, day, plan)
    preparing_s = time.perf_counter() - began
    warm = carry_over(plan.spots, plan.weights, posed.spots)
    searched(posed, warm, 0.5, time.monotonic)  # compiled kernels are read from the cache once
    name, days = plan.name, str(number)
    rows = [[days, name, f"matrices {preparing_s:.1f}", "as it is", "0", "", *scores(plan)]]
    for limit_s in asked.limits:
        for label, start in (("warm", warm), ("cold", None)):
            wall, cpu = time.perf_counter(), time.process_time()
            found, _ = searched(posed, start, limit_s, CLOCKS[asked.clock])
            used = f"{limit_s:g} ({time.perf_counter() - wall:.1f} wall, {time.process_time() - cpu:.1f} CPU)"
            made = finished(label, posed, found, plan, day)
            rows.append([days, name, used, label, str(found.iterations), f"{found.value:.2f}", *scores(made)])
    return rows


if __name__ == "__main__":
    np.seterr(all="raise", under="ignore")
    main()
