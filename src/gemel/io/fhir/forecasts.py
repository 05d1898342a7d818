"""What a twin expects and what each plan would do: Observation, RiskAssessment, DiagnosticReport. HL7 FHIR R4."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from gemel.io.fhir.checked import Resource
from gemel.io.fhir.parts import DEVICE, GEMEL, LOINC, components, concept, fhir_id, named, noted, plain, quantity, reference, rounded
from gemel.io.interval import Interval

NORMAL_95 = 1.6448536
"""Standard normal quantile of 0.95."""


@dataclass(frozen=True)
class About:
    """Whose twin it is (subject key), its id here, its model in words, when its forecast was made and what for (ISO 8601), what to know.

    `words`: remarks on the whole; a twin that rests on withdrawn data says so in `taint`.
    """

    subject: str
    twin: str
    model: str
    at: str
    words: tuple[str, ...] = ()
    taint: str = ""

    @property
    def key(self) -> str:
        """The twin as part of an id."""
        return fhir_id(self.twin)


@dataclass(frozen=True)
class Chances:
    """A plan's limits and how likely each is met, by `draws` draws; how often it is the best; its readouts."""

    plan: str
    limits: Sequence[tuple[str, float]]
    p_best: float
    draws: int
    readouts: Sequence[Interval]


def observation(about: About, number: int, one: Interval, next_at: str) -> Resource:
    """One component of what is expected: its median as value, median and 90 % interval as components. Never final."""
    return plain({
        "resourceType": "Observation",
        "id": f"{about.key}.x{number}",
        "status": "preliminary",
        "category": [concept("forecast", "forecast of a digital twin")],
        "code": named(one.name),
        "subject": reference("Patient", about.subject),
        "effectiveDateTime": next_at,
        "issued": about.at,
        "device": reference("Device", DEVICE),
        "method": concept("INTERVAL90", "median and central 90 % interval of the draws of a twin"),
        "valueQuantity": quantity(one.median, one.ucum),
        "component": components(one),
        "note": noted(about.taint, f"expected at {next_at} by {about.model}"),
    })  # fmt: skip


def risk(about: About, number: int, chances: Chances, basis: Sequence[Resource]) -> Resource:
    """One plan: per limit its probability in per cent, and the 90 % interval that so many draws leave (Wilson 1927, JASA 22:209)."""
    best = "the best of the plans, limits aside" if chances.limits else "the best of the plans"
    outcomes = (*chances.limits, (best, chances.p_best))
    return plain({
        "resourceType": "RiskAssessment",
        "id": f"{about.key}.r{number}",
        "identifier": [{"system": f"{GEMEL}:plan", "value": f"{about.twin}/{chances.plan}"}],
        "status": "preliminary",
        "method": concept("decision", f"draws of {about.model} under plan {chances.plan}"),
        "code": named(chances.plan),
        "subject": reference("Patient", about.subject),
        "occurrenceDateTime": about.at,
        "performer": reference("Device", DEVICE),
        "basis": list(basis),
        "prediction": [row for name, p in outcomes for row in _predictions(name, p, (chances.draws, about.at))],
        "note": noted(about.taint, *(_in_words(one) for one in chances.readouts)),
    })  # fmt: skip


def _in_words(one: Interval) -> str:
    return f"{one.name}: {one.median:.4g} ({one.low:.4g} to {one.high:.4g}) {one.ucum}"


def _predictions(name: str, p: float, of: tuple[int, str]) -> list[Resource]:
    """The probability, from a time on, and the interval that so many draws leave for it: FHIR holds one of both in a prediction."""
    draws, at = of
    low, high = wilson(p, draws)
    outcome, words = named(name), f"{100 * p:.3g} % of {draws} draws"
    ends = {end: quantity(100 * value, "%") for end, value in (("low", low), ("high", high))}
    return [
        {"outcome": outcome, "probabilityDecimal": rounded(100 * p), "whenPeriod": {"start": at}, "rationale": f"{words}; in per cent"},
        {"outcome": outcome, "probabilityRange": ends, "whenPeriod": {"start": at}, "rationale": f"90 % interval for {words}"},
    ]


def wilson(p: float, draws: int) -> tuple[float, float]:
    """Score interval of 90 % for a share p of n draws. Wilson 1927, J Am Stat Assoc 22:209, eq. 3."""
    z2 = NORMAL_95**2 / draws
    half = NORMAL_95 * math.sqrt(p * (1 - p) / draws + z2 / (4 * draws))
    return max((p + z2 / 2 - half) / (1 + z2), 0.0), min((p + z2 / 2 + half) / (1 + z2), 1.0)


def report(about: About, results: Sequence[Resource], conclusion: str, forms: Sequence[tuple[str, str]]) -> Resource:
    """The twin's report: what is expected, the recommendation, where it is to be read (content type, address). Never final."""
    return plain({
        "resourceType": "DiagnosticReport",
        "id": f"{about.key}.report",
        "status": "preliminary",
        "category": [concept("forecast", "forecast of a digital twin")],
        "code": concept("18748-4", "Diagnostic imaging study", LOINC),
        "subject": reference("Patient", about.subject),
        "effectiveDateTime": about.at,
        "performer": [reference("Device", DEVICE)],
        "result": [reference("Observation", one["id"]) for one in results],
        "conclusion": " — ".join(text for text in (about.taint, conclusion, *about.words, noted()[0]["text"]) if text),
        "presentedForm": [{"contentType": kind, "url": url, "title": f"{about.twin} in gemel, research use"} for kind, url in forms],
    })  # fmt: skip
