"""What statements of an EHR mean for each twin of the patient: names made nameless, doses in the units of its system."""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gemel.core.errors import InputError
from gemel.core.time import seconds
from gemel.io.fhir.statements import Statement
from gemel.io.fhir.vocabulary import taken_by
from gemel.service.fhir.book import Measured, surface_m2

LABS = "labs"


@dataclass(frozen=True)
class Taking:
    """A twin of the subject: its system, and the kinds of input that this observes."""

    twin: str
    system: str
    scans: Sequence[str]


def mark(key: bytes, subject: str, one: Statement) -> str:
    """A name for a statement that tells nothing: HMAC-SHA-256 (RFC 2104) of whose it is and how its sender, or its content, names it."""
    said = one.name or f"{one.sort}|{one.what}|{one.digest}"
    return hmac.new(key, f"statement\x1f{subject}\x1f{said}".encode(), hashlib.sha256).hexdigest()


def measured(key: bytes, subject: str, said: Sequence[Statement]) -> list[Measured]:
    """Weights and heights among what was said of a subject."""
    return [Measured(mark(key, subject, one), subject, one.what, seconds(one.at), one.amount) for one in said if one.sort == "body"]


def order(one: Statement, taking: Taking, name: str, body: Sequence[Measured]) -> Mapping[str, Any] | None:
    """The statement as this twin is told of it (`flow.heard.Said`); None where its system does not take it.

    Raises InputError for a dose in mg of somebody whose weight and height are not known.
    """
    held = {"mark": name, "digest": one.digest, "sort": one.sort, "at": one.at, "withdrawn": one.withdrawn, "once": one.once}
    if one.withdrawn:
        return held
    if one.sort == "seen":
        return {**held, "what": one.what, "amount": one.amount, "unit": one.unit} if LABS in taking.scans else None
    use = taken_by(one.what).get(taking.system) if one.sort == "given" else None
    if use is None:
        return None
    return {**held, "what": use.action, "amount": _amount(one, body) / use.one, "unit": use.unit}


def _amount(one: Statement, body: Sequence[Measured]) -> float:
    """The amount in the table's first unit; mg over the body's surface."""
    if one.unit != "mg":
        return one.amount
    surface = surface_m2(body, seconds(one.at))
    if surface is None:
        remedy = "send it in mg/m2, or weight (29463-7) and height (8302-2) with it, the weight of the same half year"
        raise InputError(f"{one.what} in mg of somebody without weight and height", where=f"entry {one.entry}", remedy=remedy)
    return one.amount / surface


def of_statement(one: Statement, twins: Sequence[Taking], name: str, body: Sequence[Measured]) -> dict[str, Mapping[str, Any]]:
    """Orders by twin."""
    found = {taking.twin: order(one, taking, name, body) for taking in twins}
    return {twin: said for twin, said in found.items() if said is not None}
