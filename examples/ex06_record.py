"""The record: nothing is changed or removed, what was known when can be asked, and a wrong scan taints all that came of it.

Shows `store.open`, `append`, `events(as_of, known_at)`, `verify`, `retract` and `tainted`.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

from gemel import store

DAY_S = 86400.0


def fill(record: store.Store) -> store.Event:
    """Two days: scan, belief, decision; the scan of day 2 became known only on day 4. Returns the event of the first scan."""
    scan = record.artefacts.put(b"the bytes of the first scan")
    first = record.append("anna", "Observed", {"bladder_mL": 182.0}, valid_s=DAY_S, known_s=DAY_S, outputs=[scan], actor="therapist")
    belief = record.artefacts.put(b"what was believed then")
    record.append("anna", "Assimilated", {"step": 1}, valid_s=DAY_S, known_s=DAY_S, inputs=[scan], outputs=[belief])
    record.append("anna", "Decided", {"plan": "day-3"}, valid_s=DAY_S, known_s=DAY_S, inputs=[belief], actor="physicist")
    late = record.artefacts.put(b"the bytes of the second scan")
    record.append("anna", "Observed", {"bladder_mL": 140.0}, valid_s=2 * DAY_S, known_s=4 * DAY_S, outputs=[late])
    return first


def main() -> float:
    """Number of events and artefacts that the wrong scan taints."""
    with TemporaryDirectory() as folder:
        place = Path(folder) / "twins.db"
        with store.open(place) as record:
            first = fill(record)
            head = record.head()
            print(f"about day 3: {len(record.events('anna', as_of=3 * DAY_S))} events,", end=" ")
            print(f"of which {len(record.events('anna', as_of=3 * DAY_S, known_at=3 * DAY_S))} were known on it")
            record.retract(first, "another patient's scan", actor="physicist")
        with store.open(place, create=False) as record:  # another process, another day
            bad = record.tainted()
            kinds = [event.kind for event in record.events("anna") if event.hash in bad]
            print(f"after the retraction: {', '.join(kinds)} and {len(bad) - len(kinds)} artefacts are tainted")
            print(f"nothing altered or cut off: {record.verify(head)}")
            return float(len(bad))


if __name__ == "__main__":
    print(main())
