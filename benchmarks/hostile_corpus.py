"""The hostile corpus through a live `gemel serve`: spoiled objects, crafted classes, requests that lie.

For gemel's own service only. Claim: 10,000 spoiled objects and more than 150 crafted classes end without a crash, without an answer of 5xx,
without a byte written outside the service's folder, with less than 512 MB resident in the service and in each of its children, and
less than 5 s of processor time for any request; health check and C-ECHO are answered within 1 s throughout; what is kept is read back as
metadata, frames, pictures and volumes. Prints the table in Markdown: `python benchmarks/hostile_corpus.py`.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tests.hostile.campaign import Amount, Report, run
from tests.hostile.crafted import KEPT

SERVICE_MB, CHILD_MB, OBJECT_S, HEALTH_S = 512.0, 512.0, 5.0, 1.0


def table(report: Report) -> str:
    """Classes and what became of them."""
    lines = ["| class | sent | outcome | slowest s | processor s | words |", "|---|---|---|---|---|---|"]
    lines += [row.line() for row in report.mutated.values()]
    lines += [row.line() for _, row in report.crafted]
    lines += [f"| {name} | 1 | HTTP {status if status > 0 else 'none: the body never came'} | | | |" for name, status, _ in report.requests]
    return "\n".join(lines)


def breaches(report: Report) -> list[str]:
    """What the claim says, and was not so."""
    seen = report.watched
    found = [*report.failures, *(f"written outside: {path}" for path in report.written)]
    found += [f"{row.name}: not {outcome}" for outcome, row in report.crafted if (row.kept == 1) != (outcome == KEPT)]
    found += [f"{name}: HTTP {status}" for name, status, expected in report.requests if status not in expected]
    found += [f"{row.name}: {row.slowest_cpu_s:.1f} s" for row in report.rows if row.slowest_cpu_s >= OBJECT_S]
    found += ["the service ended"] * (not report.alive) + [f"{seen.failed} health checks failed"] * bool(seen.failed)
    found += [f"service {seen.service_MB:.0f} MB"] * (seen.service_MB >= SERVICE_MB) + [f"child {seen.child_MB:.0f} MB"] * (
        seen.child_MB >= CHILD_MB
    )
    slowest_s = max(seen.slowest_s, seen.slowest_echo_s)
    return found + [f"health check or C-ECHO after {slowest_s:.2f} s"] * (slowest_s >= HEALTH_S)


def main() -> int:
    """Runs, prints; exit status 1 when the claim does not hold."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--mutants", type=int, default=10_000)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--pictures", type=int, default=300)
    given = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report = run(Path(folder) / "box", Amount(given.mutants, given.seed, given.pictures))
    print(table(report))
    sent, kept = (sum(getattr(row, name) for row in report.rows) for name in ("sent", "kept"))
    seen, slowest = report.watched, max(report.rows, key=lambda row: row.slowest_cpu_s)
    print(f"\n{sent} objects: {len(report.crafted)} crafted classes, {len(report.mutated)} ways of spoiling")
    print(f"{kept} kept and read back; {report.took_s:.0f} s")
    print(f"service at most {seen.service_MB:.0f} MB, a child {seen.child_MB:.0f} MB")
    print(f"most for one request {slowest.slowest_cpu_s:.2f} s ({slowest.name})")
    print(f"health check: {seen.probes} times, slowest {seen.slowest_s:.2f} s")
    print(f"C-ECHO: {seen.echoes} times, slowest {seen.slowest_echo_s:.2f} s")
    print(f"{seen.failed} of them failed; load {os.getloadavg()[0]:.1f}")
    found = breaches(report)
    print("\n".join(["BREACHES:", *found]) if found else "the claim holds")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
