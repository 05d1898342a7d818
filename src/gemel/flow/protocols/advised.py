"""A recommendation in the record of the scanner whose belief it rests on: an event of its own, no decision about the scanner."""

from gemel.core.digest import digest
from gemel.flow.protocols.recommend import Recommended
from gemel.flow.protocols.words import as_values, protocol_words, question, reason
from gemel.flow.scanner import require_scanner
from gemel.flow.session import open_session
from gemel.flow.standing import FACTS, evidence
from gemel.store import Event, Store


def record_advice(store: Store, twin_id: str, found: Recommended, series_uid: str, *, actor: str = "") -> Event:
    """Appends what was asked and advised, at the time of the newest check; of the patient only the digest of the series is kept.

    The advice falls with a check that it rests on when that is retracted. Raises InputError for a twin of no scanner.
    """
    session = require_scanner(open_session(store, twin_id))
    best = found.choice.chosen
    payload = {
        "question": question(found.asked),
        "advised": protocol_words(best.forecast.protocol, best.task) if best else "",
        "protocol": as_values(found)["recommended"],
        "reason": reason(found),
        "series": digest(series_uid.encode()),
    }
    return store.append(
        twin_id,
        "Advised",
        payload,
        valid_s=max(entry.valid_s for entry in session.entries if entry.kind in FACTS),
        actor=actor,
        inputs=tuple(dict.fromkeys((session.entries[-1].hash, *evidence(session.entries)))),
        expected_version=session.version,
    )
