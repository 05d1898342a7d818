"""A twin as FHIR resources: what it expects, what each plan would do, its report, and where all of it came from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from gemel.core.image import Array
from gemel.core.time import iso
from gemel.flow.listing import taint_words
from gemel.flow.report import report as report_of
from gemel.flow.results_numbers import Judged, expected, judged
from gemel.flow.session import Session, last_decision
from gemel.flow.show import Overview, shown
from gemel.io.fhir.checked import Resource, checked
from gemel.io.fhir.forecasts import About, Chances, observation, report, risk
from gemel.io.fhir.lineage import provenance, scanner
from gemel.io.fhir.parts import fhir_id, reference
from gemel.store import Event, Store

COMPUTED = ("Assimilated", "Forecast", "Decided")


@dataclass(frozen=True)
class Asked:
    """Whose twin it is (subject key, empty for a machine's), and the address of the workbench."""

    subject: str
    base: str


def resources(session: Session, asked: Asked) -> list[Resource]:
    """Every resource of a twin, each checked.

    A patient's: Observation, RiskAssessment, DiagnosticReport, Provenance; a scanner's: Device.
    """
    if not asked.subject:
        return [checked(scanner(fhir_id(session.id), session.id, _machine(session)))]
    overview = shown(session)
    about = _about(session, overview, asked)
    seen = [observation(about, n, one, overview.next_at) for n, one in enumerate(expected(overview), 1)]
    decided = last_decision(session)
    risks = _risks(session, decided, about, seen) if decided else []
    advice = f"Recommendation: {decided.payload['recommended']} — {decided.payload['reason']}" if decided else "No decision yet."
    told = report(about, seen, advice, _forms(session, about, asked))
    return [checked(one) for one in (*seen, *risks, told, *lineage(session, about, [*risks, told]))]


def _forms(session: Session, about: About, asked: Asked) -> list[tuple[str, str]]:
    """The page of the twin, and the report on paper where its system has one."""
    paper = [("application/pdf", f"{asked.base}/fhir/Binary/{about.key}.pdf")] if session.system.pages else []
    return [("text/html", f"{asked.base}/twins/{session.id}"), *paper]


def paper(store: Store, twin_id: str, made_s: float) -> bytes:
    """The report as a PDF. Raises InputError for a twin whose system has none."""
    with TemporaryDirectory(prefix="gemel-") as folder:
        return (report_of(store, twin_id, Path(folder), made_s=made_s, pdf=True).parent / "report.pdf").read_bytes()


def _about(session: Session, overview: Overview, asked: Asked) -> About:
    model = session.twin.model
    words = (f"badge: {overview.badge}", *overview.notes)
    return About(
        asked.subject,
        session.id,
        f"{model.name} {model.version}",
        iso(session.history[-1].known_s),
        words,
        taint_words(session.store, session.id),
    )


def _risks(session: Session, decided: Event, about: About, seen: Sequence[Resource]) -> list[Resource]:
    basis = [reference("Observation", one["id"]) for one in seen]
    draws = session.store.artefacts.get_arrays(decided.payload["draws"])
    return [risk(about, n, _chances(plan, _count(draws, plan.plan)), basis) for n, plan in enumerate(judged(session, decided), 1)]


def _count(draws: Mapping[str, Array], plan: str) -> int:
    """On how many draws a plan was judged."""
    return next((len(values) for name, values in draws.items() if name.startswith(f"{plan}/")), 1)


def _chances(plan: Judged, draws: int) -> Chances:
    return Chances(plan.plan, tuple(plan.limits.items()), plan.p_best, draws, plan.readouts)


def lineage(session: Session, about: About, made: Sequence[Resource]) -> list[Resource]:
    """A Provenance for every entry; the newest computed one has what is served now as its target as well."""
    newest = max((e.version for e in session.entries if e.kind in COMPUTED), default=0)
    targets = [reference(one["resourceType"], one["id"]) for one in made]
    return [provenance(about.key, _entry(e), targets if e.version == newest else []) for e in session.history]


def _entry(event: Event) -> dict[str, object]:
    return {
        "version": event.version,
        "kind": event.kind,
        "hash": event.hash,
        "at": iso(event.valid_s),
        "known_at": iso(event.known_s),
        "actor": event.actor,
        "inputs": event.inputs,
    }


def _machine(session: Session) -> str:
    return f"digital twin of a scanner, badge: {session.badge}, version {session.version}"
