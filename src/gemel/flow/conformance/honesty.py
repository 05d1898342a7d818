"""Is the stated uncertainty true? Ranks of parameters and of scans, coverage, alarms, and all of this when the model is wrong."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float

from gemel.core.card import Evidence
from gemel.core.image import Array
from gemel.core.surprise import ALARM
from gemel.engines.inference.calibration import mean_interval, share_interval
from gemel.engines.inference.uniformity import band_p, chi_square_p
from gemel.flow.conformance.budget import GROSS
from gemel.flow.conformance.course import Course
from gemel.flow.conformance.subject import Subject, judged, reported
from gemel.flow.conformance.wrong import WRONG

LEVEL = 0.01
"""Probability that an honest model fails a family of tests of ranks or alarms; shared equally among its members (Bonferroni)."""
COVERED = (0.85, 0.95)


def parameter_ranks(courses: Sequence[Course]) -> dict[str, Float[Array, "patients"]]:
    """Ranks of the true parameters among posterior draws, by name."""
    return {name: np.array([c.ranks[name] for c in courses]) for name in courses[0].ranks}


def scan_ranks(courses: Sequence[Course]) -> dict[str, Float[Array, "n"]]:
    """Ranks of what was observed within what was forecast, over patients and scans, by component ("kind" or "kind[i]")."""
    return {name: np.concatenate(columns) for name, columns in _by_component(courses).items()}


def _by_component(courses: Sequence[Course]) -> dict[str, list[Array]]:
    columns: dict[str, list[Array]] = {}
    for course in courses:
        for kind, ahead in course.ahead.items():
            for i, column in enumerate(ahead.ranks.T):
                columns.setdefault(kind if ahead.ranks.shape[1] == 1 else f"{kind}[{i}]", []).append(column)
    return columns


def sbc(subject: Subject) -> Sequence[Evidence]:
    """Simulation-based calibration: the rank of each true parameter among posterior draws is uniform (Talts 2018, arXiv:1804.06788)."""
    return _uniform(parameter_ranks(subject.courses))


def forecasts(subject: Subject) -> Sequence[Evidence]:
    """The rank of every scan within its forecast is uniform (prequential; Dawid 1984, J R Stat Soc A 147:278)."""
    return _uniform(scan_ranks(subject.courses))


def _uniform(ranks: Mapping[str, Array]) -> Sequence[Evidence]:
    level = LEVEL / len(ranks)
    lines = []
    for name, held in ranks.items():
        for test, p in (("χ²", chi_square_p(held)), ("ECDF band", band_p(held))):
            lines.append(judged(f"{name}: {test}", f"p > {level:.2g}, n = {len(held)}", (p, p, p), p > level))
    return lines


def coverage(subject: Subject) -> Sequence[Evidence]:
    """Share of true values within the 90 % forecast interval one scan ahead; the interval is Student's over patients."""
    found = {kind: share_interval(_shares(subject.courses, kind)) for kind in subject.courses[0].ahead}
    wanted = "85 to 95 % of the truth in 90 % intervals"
    return [judged(kind, wanted, share, COVERED[0] <= share[0] <= COVERED[1]) for kind, share in found.items()]


def _shares(courses: Sequence[Course], kind: str) -> Float[Array, "patients"]:
    return np.array([c.ahead[kind].held.mean() for c in courses])


def alarms(subject: Subject) -> Sequence[Evidence]:
    """The surprise test: how often it calls a good day strange, and whether it sees a gross error."""
    lines, level = [], LEVEL / len(subject.courses[0].ahead)
    for kind in subject.courses[0].ahead:
        rates = np.array([c.ahead[kind].alarms.mean() for c in subject.courses])
        least = mean_interval(rates, 1 - 2 * level)[1]
        wanted = f"at most {ALARM:.0%} of scans, tested at {level:.2g}"
        lines.append(judged(f"{kind}: false alarms", wanted, share_interval(rates), least <= ALARM))
        seen = share_interval(np.array([c.ahead[kind].gross.mean() for c in subject.courses]))
        lines.append(judged(f"{kind}: a day {GROSS:g} sd away", "at least 95 % raise an alarm", seen, seen[0] >= 0.95))
    return lines


def misspecification(subject: Subject) -> Sequence[Evidence]:
    """What happens when scanner or patient are not as the model says: coverage, alarms, ranks. Reported, not judged."""
    lines: list[Evidence] = []
    for name, courses in subject.wrong.items():
        covered = {kind: share_interval(_shares(courses, kind)) for kind in courses[0].ahead}
        least = min(covered, key=lambda kind: covered[kind][0])
        wanted = "share of the truth in 90 % intervals, of the kind with the least"
        lines.append(reported(f"coverage with {WRONG[name].what}", wanted, covered[least], least))
    for what, courses in (*((f"with {WRONG[name].what}", found) for name, found in subject.wrong.items()), ("without", subject.courses)):
        lines.append(_alarmed(what, courses))
    for name, courses in subject.wrong.items():
        p, component = min((band_p(ranks), component) for component, ranks in scan_ranks(courses).items())
        note = f"{component}, over {len(courses)} patients"
        lines.append(reported(f"ranks of scans with {WRONG[name].what}", "smallest p of the ECDF band", (p, p, p), note))
    return lines


def _alarmed(what: str, courses: Sequence[Course]) -> Evidence:
    scans = len(next(iter(courses[0].ahead.values())).alarms)
    raised = np.array([any(a.alarms.any() for a in c.ahead.values()) for c in courses], dtype=float)
    return reported(f"alarms {what}", f"share of patients with an alarm in {scans} scans", share_interval(raised))
