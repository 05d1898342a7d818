"""What is to be done with one settled series: the rules, and whose twin it is. Nothing is done here; `gemel route --explain` ends here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gemel.service.node import routing_book as books
from gemel.service.node.routing_book import Routed
from gemel.service.node.routing_twin import exists, observed_in, standing_twins_of
from gemel.service.node.rules import OF_PATIENT, Chosen, Routing, Rule, chosen
from gemel.service.node.rules_expression import holds
from gemel.store import Store

AND_THEN = "and_then"


@dataclass(frozen=True)
class Seen:
    """A series as the archive knows it: its attributes, digest of its objects, other series of its study, those of them that are
    still `coming`, and how many objects lie in quarantine."""

    tags: Mapping[str, str]
    digest: str
    objects: int
    received_s: float
    beside: Sequence[Mapping[str, str]] = ()
    quarantined: int = 0
    coming: frozenset[str] = frozenset()

    @property
    def series(self) -> str:
        """SeriesInstanceUID."""
        return self.tags["SeriesInstanceUID"]


@dataclass(frozen=True)
class Verdict:
    """What comes next for a series (`state`), what is to be done (`act`) with which twin and arguments, and why."""

    state: str
    act: str = ""
    twin: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    why: str = ""


def decided(seen: Seen, routing: Routing, store: Store) -> tuple[Verdict, Chosen]:
    """The verdict, and the rules that led to it. Who has a twin needs no new one: then the rule to observe acts that stands behind."""
    rules = chosen(routing.rules, seen.tags)
    while (
        rules.rule is not None and rules.rule.then == "new" and rules.later and standing_twins_of(store, *_person(seen), rules.rule.system)
    ):
        rules = Chosen(rules.later[0], rules.forwards, rules.later[1:])
    if rules.rule is None:
        why = "forwarded" if rules.forwards else "no rule asks for it"
        return Verdict(books.DONE if rules.forwards else books.LEFT, why=why), rules
    if done_by := observed_in(store, seen.series):
        return Verdict(books.DONE, rules.rule.then, done_by, why=f"twin {done_by} has observed it"), rules
    if seen.quarantined:
        why = f"{seen.quarantined} objects of it lie in quarantine: other bytes came under the same UID, or of another patient"
        return Verdict(books.ASKED, rules.rule.then, why=why), rules
    act = {"observe": _observe, "new": _new}.get(rules.rule.then, _ask)
    return act(seen, rules.rule, store), rules


def routed_of(seen: Seen, verdict: Verdict, chosen_by: Chosen) -> Routed:
    """The verdict as it is remembered."""
    tags, name = seen.tags, chosen_by.rule.name if chosen_by.rule else ", ".join(rule.name for rule in chosen_by.forwards)
    return Routed(
        seen.series,
        tags["StudyInstanceUID"],
        seen.digest,
        verdict.state,
        verdict.act,
        name,
        verdict.twin,
        verdict.arguments,
        why=verdict.why,
        received_s=seen.received_s,
        objects=seen.objects,
        modality=tags.get("Modality", ""),
        patient_id=tags.get("PatientID", ""),
        issuer=tags.get("IssuerOfPatientID", ""),
    )


def _ask(seen: Seen, rule: Rule, store: Store) -> Verdict:
    return Verdict(books.ASKED, why=f"{rule.name} leaves it to a person")


def _observe(seen: Seen, rule: Rule, store: Store) -> Verdict:
    """A scan for the one twin of its patient; none or several: a person's turn."""
    found = (rule.twin,) if rule.twin != OF_PATIENT else standing_twins_of(store, *_person(seen), rule.system)
    if rule.twin != OF_PATIENT and not exists(store, rule.twin, rule.system):
        return Verdict(books.ASKED, "observe", why=f"no twin {rule.twin}, which {rule.name} names")
    if not _person(seen)[0] and rule.twin == OF_PATIENT:
        return Verdict(books.ASKED, "observe", why="it states no PatientID: whose is it?")
    if not found:
        others = standing_twins_of(store, *_person(seen))
        return Verdict(books.ASKED, "observe", why=f"no {rule.system} twin of this patient: make one?".replace("  ", " ") + _others(others))
    if len(found) > 1:
        return Verdict(books.ASKED, "observe", why=f"{len(found)} twins of this patient ({', '.join(found)}): which one?")
    series, lacking = _together(seen, rule)
    if lacking:
        return Verdict(books.ASKED, "observe", found[0], why=lacking)
    return Verdict(books.WAITING, "observe", found[0], {"twin": found[0], "kind": rule.kind, "series": series, **_followed(rule)})


def _new(seen: Seen, rule: Rule, store: Store) -> Verdict:
    """A twin of the series and of those beside it in the study, one for each that the rule names, in its order."""
    series, lacking = _together(seen, rule)
    if lacking:
        return Verdict(books.ASKED, "new", why=lacking)
    if held := standing_twins_of(store, *_person(seen), rule.system):
        return Verdict(books.ASKED, "new", held[0], why=f"there is a {rule.system} twin of this patient already ({held[0]})")
    if not _person(seen)[0]:
        return Verdict(books.ASKED, "new", why="it states no PatientID: whose is it?")
    told = {name: dict(value) for name, value in (("options", rule.options), ("names", rule.names)) if value}
    return Verdict(books.WAITING, "new", arguments={"system": rule.system, "series": series, **told, **_followed(rule)})


def _together(seen: Seen, rule: Rule) -> tuple[dict[str, list[str]], str]:
    """The series by kind with those beside it in the study, one for each condition, and what is lacking, "" when nothing is."""
    series: dict[str, list[str]] = {rule.kind: [seen.series]}
    for kind, expression in rule.beside:
        found = [tags["SeriesInstanceUID"] for tags in seen.beside if holds(expression, tags) and tags["SeriesInstanceUID"] != seen.series]
        if len(found) != 1:
            return {}, f"{len(found)} series beside it in the study that {rule.name} asks for as {kind}, not one"
        if found[0] in seen.coming:
            return {}, f"a series beside it that {rule.name} asks for as {kind} is still coming"
        series.setdefault(kind, []).extend(found)
    return series, ""


def _followed(rule: Rule) -> dict[str, Any]:
    """What is to be done next, where the rule says so."""
    return {AND_THEN: list(rule.and_then)} if rule.and_then else {}


def _person(seen: Seen) -> tuple[str, str]:
    return seen.tags.get("PatientID", ""), seen.tags.get("IssuerOfPatientID", "")


def _others(others: Sequence[str]) -> str:
    return f" (it has {', '.join(others)})" if others else ""
