"""An entry of the record in one line."""

from collections.abc import Callable, Mapping

from gemel.core.time import iso
from gemel.flow.standing import REPLACES
from gemel.store import Event

SHORT = 24


def in_words(entry: Event) -> str:
    """One line about an entry of the record; empty for a kind that has nothing to say."""
    say = WORDS.get(entry.kind)
    said = say(entry) if say else ""
    return f"again: {said}" if REPLACES in entry.payload else said


def _ingested(entry: Event) -> str:
    payload = entry.payload
    if "imported" in payload:
        how = "compared with its sender's seal" if payload["imported"].get("compared") else "seal not compared"
        return f"loaded from a file, {how}" + ("; de-identified at its origin" if payload["imported"].get("deidentified") else "")
    if "uid" in payload:
        return f"object {payload['uid'][:SHORT]}"
    return f"planning data, {len(entry.inputs)} files"


def _decided(entry: Event) -> str:
    off = len(entry.payload.get("deviations", ()))
    return f"recommended {entry.payload['recommended']}" + (f"; {off} histograms outside their forecast" if off else "")


def _adapted(entry: Event) -> str:
    payload = entry.payload
    return f"{payload['name']} from {payload['start']}: {payload['iterations']} iterations, {payload['status'].partition(':')[0]}"


def _checked(entry: Event) -> str:
    rows = [row for row in entry.payload["found"] if "gamma all" in row["figures"]]
    rates = ", ".join(f"{row['where']} {row['figures']['gamma all']:.1f} %" for row in rows)
    return f"{entry.payload['checked']}: {rates or 'calculated again'}"


def _advised(entry: Event) -> str:
    return f"advised {entry.payload['advised'] or 'no protocol'}"


def _retracted(entry: Event) -> str:
    return f"withdrew version {entry.payload['version']} ({entry.payload['kind']}): {entry.payload['reason']}"


def _quarantined(entry: Event) -> str:
    return f"other bytes under the known UID {entry.payload['uid'][:SHORT]}: both kept, none used"


def _erased(entry: Event) -> str:
    payload = entry.payload
    return f"erased {len(payload['persons'])} persons and {len(payload['artefacts'])} artefacts: {payload['reason']}"


def _assimilated(entry: Event) -> str:
    alarms = entry.payload["alarms"]
    return "alarm: " + ", ".join(alarms) if alarms else "as expected"


def _of(text: str, key: str) -> Callable[[Event], str]:
    def say(entry: Event) -> str:
        return f"{text} {str(entry.payload[key])[:SHORT]}"

    return say


WORDS: Mapping[str, Callable[[Event], str]] = {
    "Ingested": _ingested,
    "Promoted": lambda entry: f"library of {len(entry.payload['plans'])} plans",
    "Forecast": lambda entry: f"forecast for {iso(entry.payload['for_s'])}",
    "Observed": _of("scan", "source"),
    "Assimilated": _assimilated,
    "Decided": _decided,
    "Adapted": _adapted,
    "Checked": _checked,
    "Advised": _advised,
    "Acted": _of("gave", "plan"),
    "Outcome": _of("came back after", "plan"),
    "Retracted": _retracted,
    "Quarantined": _quarantined,
    "Erased": _erased,
}
