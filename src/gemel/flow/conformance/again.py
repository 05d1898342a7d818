"""The same again: by seed, by replay, on any number of workers."""

from collections.abc import Sequence

from gemel.core import twin as twins
from gemel.core.badge import badge
from gemel.core.card import Evidence
from gemel.core.digest import digest
from gemel.core.record import Action
from gemel.flow.conformance.course import follow
from gemel.flow.conformance.subject import Subject, followed, yes
from gemel.flow.session import belief_digest

AGAIN = 2


def determinism(subject: Subject) -> Sequence[Evidence]:
    """A seed determines the belief, in this process and in any other; another seed gives another."""
    fresh = [subject.system.template() for _ in range(2)]
    beliefs = [belief_digest(followed(m, subject.patient, (0, 1, 2), seed=s).belief) for m, s in zip((*fresh, fresh[0]), (5, 5, 6))]
    here = [follow((subject.system.template, subject.system.exam, i, "")) for i in range(min(AGAIN, len(subject.courses)))]
    same = bool(here) and [digest(c) for c in here] == [digest(c) for c in subject.courses[:AGAIN]]
    return (
        yes("seed", "the same seed gives the same belief to the last bit, another seed another", beliefs[0] == beliefs[1] != beliefs[2]),
        yes("workers", f"{AGAIN} whole courses alike in this process and among all on all cores", same),
    )


def replay(subject: Subject) -> Sequence[Evidence]:
    """The record alone gives the belief back, whatever the order in which it arrived; the badge follows the record."""
    model, patient = subject.model, subject.patient
    twin = followed(model, patient, (0, 1, 2, 3))
    before = belief_digest(twin.belief)
    replayed = twins.replay(twin, tuple(reversed(twin.record)))
    late = followed(model, patient, (0, 3, 1, 2))
    return (
        yes("replay", "the same belief to the last bit", belief_digest(replayed.belief) == before),
        yes("a late scan", "the same belief to the last bit", belief_digest(late.belief) == before),
        yes("badge", "model, shadow, shadow, twin", _badges(subject) == ["model", "shadow", "shadow", "twin"]),
    )


def _badges(subject: Subject) -> list[str]:
    """After nothing, a scan, an action given, a scan that shows its outcome."""
    twin, proposed, patient = twins.new(subject.model, 0.0, 1), subject.system.exam.plans[0][0], subject.patient
    seen = twins.assimilate(twin, patient.observations[0])
    acted = twins.assimilate(seen, (Action(proposed.kind, seen.t_s + 60, proposed.amount, proposed.unit, "decision"),))
    return [badge(t.record) for t in (twin, seen, acted, twins.assimilate(acted, patient.observations[1]))]
