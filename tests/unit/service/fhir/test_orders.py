"""What statements mean for a twin: doses over the body's surface, names that tell nothing, and what is remembered of whom."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from gemel.core.errors import ConflictError, InputError
from gemel.core.time import DAY_S, iso, seconds
from gemel.io.fhir.inbound import Inbound
from gemel.io.fhir.person import Person
from gemel.io.fhir.statements import Statement
from gemel.service.fhir import book
from gemel.service.fhir.book import Measured, surface_m2
from gemel.service.fhir.orders import Taking, mark, measured, order
from gemel.service.fhir.transaction import Plan, _planned
from gemel.service.fhir.whose import Known, aliases, whose
from gemel.service.security.subjects import subject_of_person

AT = "2026-03-02T09:00:00Z"
KEY, SUBJECT = b"k" * 32, "s" * 32
BODY = (Measured("a" * 64, SUBJECT, "weight", seconds(AT), 70.0), Measured("b" * 64, SUBJECT, "height", seconds(AT), 170.0))


def given(what: str, amount: float, unit: str = "mg", **more: str) -> Statement:
    return Statement(0, Person(), more.pop("name", "MedicationAdministration|x|1"), "given", what, AT, amount, unit, **more)


def test_the_bodys_surface_is_mostellers() -> None:
    """Mosteller 1987, N Engl J Med 317:1098: 170 cm and 70 kg are √(170·70/3600) = 1.818 m²."""
    assert surface_m2(BODY, seconds(AT)) == pytest.approx(1.818, abs=5e-4)
    assert surface_m2(BODY[:1], seconds(AT)) is None
    assert surface_m2(BODY, seconds(AT) + 181 * DAY_S) is None


DOSES = {
    "doxorubicin": ("breast", 60.0, "AC", "standard doses"),
    "paclitaxel": ("breast", 175.0, "T", "standard doses"),
    "temozolomide": ("glioma", 75.0, "temozolomide", "1"),
}


@pytest.mark.parametrize("what", list(DOSES))
def test_a_usual_dose_is_one_whether_in_mg_or_mg_to_the_square_metre(what: str) -> None:
    system, mg_m2, action, unit = DOSES[what]
    taking = Taking("twin", system, ())
    for one in (given(what, mg_m2, "mg/m2"), given(what, mg_m2 * 1.8181, "mg")):
        found = order(one, taking, "n", BODY)
        assert found is not None
        assert (found["what"], found["unit"]) == (action, unit)
        assert found["amount"] == pytest.approx(1.0, rel=1e-3)
    assert order(given(what, 1.0, "mg/m2"), Taking("twin", "ablation", ("mri",)), "n", BODY) is None
    with pytest.raises(InputError, match="without weight and height"):
        order(given(what, 100.0), taking, "n", ())


def test_activity_and_laboratory_values_go_to_whom_they_concern() -> None:
    lutetium = given("lutetium (177Lu) vipivotide tetraxetan", 7400.0, "MBq")
    found = order(lutetium, Taking("t", "theranostics", ("spect", "labs")), "n", ())
    assert found is not None
    assert (found["what"], found["amount"], found["unit"]) == ("administer Lu-177", 7400.0, "MBq")
    psa = Statement(0, Person(), "", "seen", "psa", AT, 3.0, "ng/mL")
    assert order(psa, Taking("t", "theranostics", ("labs",)), "n", ()) is not None
    assert order(psa, Taking("t", "prostate", ("cbct",)), "n", ()) is None


def test_a_mark_names_a_statement_of_one_subject_and_tells_nothing() -> None:
    named, content = given("temozolomide", 75.0, "mg/m2"), given("temozolomide", 75.0, "mg/m2", name="")
    assert mark(KEY, SUBJECT, named) == mark(KEY, SUBJECT, given("temozolomide", 150.0, "mg/m2"))
    assert len({mark(KEY, SUBJECT, named), mark(KEY, "other", named), mark(b"o" * 32, SUBJECT, named), mark(KEY, SUBJECT, content)}) == 4
    assert mark(KEY, SUBJECT, content) != mark(KEY, SUBJECT, given("temozolomide", 150.0, "mg/m2", name=""))


def test_what_is_remembered_goes_with_the_twin(tmp_path: Path) -> None:
    held = book.open_book(tmp_path)
    weight = Statement(0, Person(), "Observation|x|1", "body", "weight", iso(0.0), 70.0, "kg")
    book.keep(held, measured(KEY, SUBJECT, [weight]), (), [("number", SUBJECT)])
    assert [one.amount for one in book.measurements(held, SUBJECT)] == [70.0]
    book.forget(held, {SUBJECT})
    assert book.aliased(held, ["number"]) == [SUBJECT]
    book.keep(held, (), (), [("number", "another")])
    book.erase(held, "another")
    assert (book.aliased(held, ["number"]), len(book.measurements(held, SUBJECT))) == ([], 1)
    book.forget(held, {"others"})
    assert (book.measurements(held, SUBJECT), book.aliased(held, ["number"])) == ([], [])
    held.close()


def test_a_number_is_linked_with_its_issuer_and_never_away_from_its_own_twin(tmp_path: Path) -> None:
    held = book.open_book(tmp_path)
    mine, theirs = subject_of_person(KEY, "P", ""), subject_of_person(KEY, "Q", "urn:q")
    known = Known(KEY, held, lambda subject: ["twin"] if subject == mine else [], {mine, theirs})
    person = Person(numbers=(("P", ()), ("I-7", ("urn:insurer",)), ("Q", ("urn:q",)), ("bare", ())))
    assert whose(known, person, "entry 0") == mine
    found = aliases(known, person, mine)
    assert found == [(subject_of_person(KEY, "I-7", "urn:insurer"), mine)]
    book.keep(held, (), (), found)
    assert whose(known, Person(numbers=(("I-7", ("urn:insurer",)),)), "entry 0") == mine
    assert whose(known, Person(numbers=(("I-7", ("urn:another",)),)), "entry 0") == ""
    both = Known(KEY, held, lambda subject: ["twin"], {mine, theirs})
    with pytest.raises(ConflictError, match="numbers of 2 patients"):
        whose(both, person, "entry 0")
    held.close()


def test_a_dose_in_mg_is_over_the_surface_of_its_own_patient_as_it_is_told_now(tmp_path: Path) -> None:
    held, mine, other = book.open_book(tmp_path), "a" * 32, "b" * 32
    named = {"person": Person(key=mine), "what": "weight", "name": "Observation|x|w", "sort": "body", "at": AT, "unit": "kg"}
    weight = replace(given("weight", 90.0), **named)  # type: ignore[arg-type]
    book.keep(held, measured(KEY, mine, [replace(weight, amount=100.0)]), (), ())
    height = replace(weight, what="height", name="Observation|x|h", amount=180.0, unit="cm")
    dose = replace(given("temozolomide", 140.0), person=Person(key=mine))
    known = Known(KEY, held, lambda subject: [f"twin of {subject}"], {mine, other})
    systems = {twin: Taking(twin, "glioma", ()) for subject in (mine, other) for twin in known.twins(subject)}
    plan = Plan()
    asyncio.run(_planned(known, Inbound((dose, height, weight), {}, {}, {}, {}), systems, plan))
    ((_, asked),) = plan.orders[f"twin of {mine}"]
    assert asked["amount"] == pytest.approx(140.0 / (180.0 * 90.0 / 3600.0) ** 0.5 / 75.0)
    theirs = replace(dose, person=Person(key=other))
    with pytest.raises(InputError, match="without weight and height"):
        asyncio.run(_planned(known, Inbound((height, weight, theirs), {}, {}, {}, {}), systems, Plan()))
    held.close()
