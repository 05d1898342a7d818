"""The record neither loses nor lies: whatever dies, is altered, or writes at the same time."""

import json
import math
import random
import shutil
import sqlite3
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from hashlib import sha256
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import gemel.store
from gemel.core.errors import StoreError
from gemel.store import GENESIS, Event, Store, queries
from gemel.store.check import chain_findings
from gemel.store.event import SEALED, seal
from gemel.store.rows import TRIGGERS
from gemel.store.taint import tainted

ROOT = Path(__file__).resolve().parents[2]


def name(text: object) -> str:
    return sha256(str(text).encode()).hexdigest()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Thirty events of three twins."""
    with gemel.store.open(tmp_path / "twins.db", clock=lambda: 5.0) as opened:
        for i in range(30):
            opened.append(
                f"p{i % 3}", "Observed", {"i": i, "volume_mL": 180.5 + i}, seed=i, actor="a", inputs=[name(i)], outputs=[name(-i)]
            )
        yield opened


class Forger:
    """Someone with the file and a SQLite shell, who puts the append-only triggers back afterwards."""

    def __init__(self, path: Path) -> None:
        self.raw = sqlite3.connect(path, isolation_level=None)
        self.triggers = [sql for (sql,) in self.raw.execute("SELECT sql FROM sqlite_master WHERE type = 'trigger'")]

    def run(self, *statements: tuple[str, tuple[object, ...]]) -> None:
        self.raw.execute("PRAGMA synchronous = OFF")
        self.raw.execute("BEGIN IMMEDIATE")
        for trigger in TRIGGERS:
            self.raw.execute(f"DROP TRIGGER {trigger}")
        for statement, values in statements:
            self.raw.execute(statement, values)
        for trigger in self.triggers:
            self.raw.execute(trigger)
        self.raw.execute("COMMIT")


@pytest.fixture
def forger(store: Store) -> Iterator[Forger]:
    forger = Forger(store.rows.path)
    yield forger
    forger.raw.close()


def measured(script: str, *arguments: object) -> dict[str, Any]:
    """What a benchmark prints."""
    command = [sys.executable, ROOT / "benchmarks" / script, *map(str, arguments)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return dict(json.loads(run.stdout))


def full(*arguments: int) -> Any:
    """A long variant."""
    return pytest.param(*arguments, marks=pytest.mark.full)


@pytest.mark.parametrize("kills", [50, full(1000)])
def test_nothing_acknowledged_is_lost_or_torn_when_a_writer_is_killed(kills: int) -> None:
    result = measured("store_kill.py", "--kills", kills)
    assert result["kills"] == kills
    assert result["acknowledged"] > kills
    assert (result["lost"], result["torn"], result["findings"], result["integrity"]) == (0, 0, 0, "ok")
    assert result["acknowledged"] <= result["events"] <= result["acknowledged"] + kills


needs_compiler = pytest.mark.skipif(
    not (shutil.which("cc") and sys.platform.startswith("linux")),
    reason="the shim that loses unflushed writes needs Linux and a C compiler",
)


@needs_compiler
@pytest.mark.parametrize(("cuts", "rounds"), [(45, 10), full(200, 60)])
def test_nothing_acknowledged_is_lost_or_torn_when_the_power_fails(cuts: int, rounds: int) -> None:
    result = measured("store_power.py", "--cuts", cuts, "--rounds", rounds)
    assert (result["cuts"], result["lost"], result["torn"], result["findings"]) == (cuts, 0, 0, 0)
    assert result["acknowledged"] > 10 * cuts
    assert result["swept"] > 0  # cuts did fall between a file and its event


@needs_compiler
def test_on_a_disk_that_ignores_flushes_the_loss_is_seen() -> None:
    result = measured("store_power.py", "--cuts", 45, "--rounds", 10, "--without-flushes")
    assert result["lost"] > 100
    assert result["torn"] > 0


@pytest.mark.parametrize(("objects", "senders"), [(300, 4), full(10_000, 8)])
def test_objects_sent_three_times_shuffled_leave_the_state_of_one_sender(objects: int, senders: int) -> None:
    result = measured("store_senders.py", "--objects", objects, "--conflicts", 20, "--senders", senders)
    assert result["sent"] == 3 * (objects + 20)
    assert result["same_state"]
    assert (result["events"], result["artefacts"], result["quarantined_both_kept"]) == (objects + 20, objects + 20, 20)
    assert result["findings"] == 0


@pytest.mark.full
def test_sixteen_writers_commit_a_thousand_times_each_and_lose_no_update() -> None:
    result = measured("store_writers.py")
    assert (result["commits"], result["contiguous"], result["lost"], result["stale"], result["whole"]) == (16_000, True, 0, 0, True)


WRITER = """
import sys, gemel.store
from gemel.core.errors import ConflictError
path, who, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
with gemel.store.open(path, busy_s=60) as store:
    done = 0
    while done < count:
        seen = store.version("shared")
        try:
            payload, same = {"who": who, "n": done, "seen": seen}, store.artefacts.put(b"the same")
            store.append("shared", "Observed", payload, outputs=[same], expected_version=seen)
            done += 1
        except ConflictError:
            pass
    print(done)
"""


def test_writers_at_the_same_time_lose_no_update(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITER, str(tmp_path / "twins.db")]
    writers = [subprocess.Popen([*command, str(i), "25"], stdout=subprocess.PIPE, text=True) for i in range(4)]
    assert [writer.communicate(timeout=120)[0] for writer in writers] == ["25\n"] * 4
    with gemel.store.open(tmp_path / "twins.db") as store:
        events = store.events("shared")
        assert [e.version for e in events] == list(range(1, 101))
        assert sorted((e.payload["who"], e.payload["n"]) for e in events) == [(str(w), n) for w in range(4) for n in range(25)]
        assert all(e.payload["seen"] == e.version - 1 for e in events)
        assert all(b.previous == a.hash for a, b in pairwise(events))
        assert store.check(artefacts=True) == []
        assert store.swept.quarantined == ()


def flipped(old: str | int | float, draw: random.Random) -> tuple[object, str]:
    """The value with one bit changed (of a float, one of the mantissa), and how SQL is to read it."""
    if isinstance(old, str):
        content = bytearray(old.encode())
        content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
        return bytes(content), "CAST(? AS TEXT)"
    return (old ^ (1 << draw.randrange(5, 16)) if isinstance(old, int) else old + math.ulp(old) * 2 ** draw.randrange(50)), "?"


def test_every_one_bit_edit_of_every_column_is_detected_or_refused(store: Store, forger: Forger) -> None:
    draw, written = random.Random(1), 0
    columns = ["twin", "version", "kind", "valid_s", "known_s", "hash", "body", "body", "body", "body", "sequence"]
    for _ in range(150):
        column, key = draw.choice(columns), draw.randint(1, 30)
        old = forger.raw.execute(f"SELECT {column} FROM event WHERE sequence = ?", (key,)).fetchone()[0]
        new, value = flipped(old, draw)
        try:
            forger.run((f"UPDATE event SET {column} = {value} WHERE sequence = ?", (new, key)))
        except sqlite3.IntegrityError:  # p0 to p1: that version is taken
            forger.raw.execute("ROLLBACK")
            continue
        written += 1
        assert not store.verify(), (column, old, new)
        forger.run((f"UPDATE event SET {column} = ? WHERE sequence = ?", (old, new if column == "sequence" else key)))
    assert written > 140
    assert store.verify()


def bit_flipped(old: str | int | float, draw: random.Random) -> object:
    """The value with any one bit changed: text, whole number, or all 64 bits of a float."""
    if isinstance(old, str):
        at = draw.randrange(len(old))
        return f"{old[:at]}{chr(ord(old[at]) ^ (1 << draw.randrange(8)))}{old[at + 1 :]}"
    if isinstance(old, int):
        return old ^ (1 << draw.randrange(32))
    (bits,) = struct.unpack("<Q", struct.pack("<d", old))
    return struct.unpack("<d", struct.pack("<Q", bits ^ (1 << draw.randrange(64))))[0]


def mutated(rows: list[tuple[Any, ...]], draw: random.Random) -> list[tuple[Any, ...]]:
    """The log after one change: a bit, a deletion, an exchange (numbered anew or not), a copy, a truncation."""
    at, changed = draw.randrange(len(rows)), list(rows)
    match draw.choice(("bit", "bit", "deletion", "exchange", "copy", "truncation")):
        case "bit":
            column = draw.randrange(8)
            changed[at] = (*rows[at][:column], bit_flipped(rows[at][column], draw), *rows[at][column + 1 :])
            return changed
        case "deletion":
            del changed[at]
        case "exchange":
            other = draw.choice([i for i in range(len(rows)) if i != at])
            changed[at], changed[other] = changed[other], changed[at]
        case "copy":
            changed.insert(draw.randrange(len(rows) + 1), rows[at])
        case "truncation":
            return changed[:at]
    return [(i, *row[1:]) for i, row in enumerate(changed, start=1)] if draw.random() < 0.5 else changed


def test_ten_thousand_mutations_of_the_log_are_all_found(store: Store) -> None:
    rows, draw = queries.event_rows(store.rows)[:10], random.Random(4)
    head = rows[-1][6]
    assert chain_findings(rows, head) == []
    missed = [changed for _ in range(10_000) if not chain_findings(changed := mutated(rows, draw), head)]
    assert missed == []


def test_an_edited_event_is_not_given_out(store: Store, forger: Forger) -> None:
    forger.run(("UPDATE event SET body = replace(body, '180.5', '120.5')", ()))
    with pytest.raises(StoreError, match="does not match its hash"):
        store.events("p0")
    assert len(store.events("p1")) == 10


SWAP = [("UPDATE event SET sequence = 99 WHERE sequence = 7", ()), ("UPDATE event SET sequence = 7 WHERE sequence = 8", ())]
RESEAL = "UPDATE event SET hash = ?, body = ? WHERE sequence = ?"


@pytest.mark.parametrize(
    ("statements", "found"),
    [
        ([("DELETE FROM event WHERE sequence = 12", ())], "number 12 in order"),
        (
            [("DELETE FROM event WHERE sequence = 12", ()), ("UPDATE event SET sequence = sequence - 1 WHERE sequence > 12", ())],
            "does not follow",
        ),
        ([("DELETE FROM event WHERE sequence = 1", ())], "number 1 in order"),
        ([("DELETE FROM event WHERE twin = 'p1'", ())], "does not follow"),
        ([*SWAP, ("UPDATE event SET sequence = 8 WHERE sequence = 99", ())], "does not follow"),
        ([("UPDATE event SET kind = 'Observed ' WHERE sequence = 3", ())], "does not match its hash"),
        ([("UPDATE event SET known_s = 4.0 WHERE sequence = 3", ())], "does not match its hash"),
        ([("UPDATE event SET body = '{}' WHERE sequence = 3", ())], "does not match its hash"),
        ([(RESEAL, (name("{}"), "{}", 3))], "not an event"),
        ([("DELETE FROM event", ())], "not in the record"),
        ([("DELETE FROM event WHERE sequence = 30", ())], "not in the record"),
    ],
)
def test_deletion_reordering_and_truncation_are_found(
    store: Store, forger: Forger, statements: list[tuple[str, tuple[object, ...]]], found: str
) -> None:
    head = store.head()
    forger.run(*statements)
    assert not store.verify(head)
    assert any(found in finding.what for finding in store.check(head)), store.check(head)


def test_a_record_rewritten_with_sound_hashes_is_found_by_an_exported_head(store: Store, tmp_path: Path) -> None:
    head, early = store.head(), store.events("p0")[2].hash
    store.append("p0", "Observed", {})
    assert store.verify(head)
    assert store.verify(early)
    with gemel.store.open(tmp_path / "forged.db") as forged:
        for i in range(31):
            forged.append(f"p{i % 3}", "Observed", {"i": i})
        assert forged.verify()
        assert not forged.verify(head)


def test_a_log_sealed_anew_without_one_of_a_twins_events_is_found(store: Store) -> None:
    rows, previous = [], GENESIS
    for event in [event for event in store.events("p0") if event.version != 4]:
        again, body = seal({**{name: getattr(event, name) for name in SEALED}, "previous": previous})
        rows.append((len(rows) + 1, again.twin, again.version, again.kind, again.valid_s, again.known_s, again.hash, body))
        previous = again.hash
    assert [finding.what for finding in chain_findings(rows, None)] == ["version 4 was due"]


def test_missing_triggers_are_found(store: Store, forger: Forger) -> None:
    forger.raw.execute("DROP TRIGGER event_stays")
    assert [finding.what for finding in store.check()] == ["the append-only trigger event_stays is missing"]


def test_the_triggers_looked_for_are_those_of_the_schema() -> None:
    schema = resources.files("gemel.store").joinpath("schema.sql").read_text()
    server = resources.files("gemel.store").joinpath("schema_postgresql.sql").read_text()
    for text in (schema, server):
        assert {word for word in text.split() if word.startswith("event_")} == TRIGGERS


def test_a_flipped_bit_anywhere_in_the_file_is_refused_or_harmless(store: Store, tmp_path: Path) -> None:
    truth = {twin: store.events(twin) for twin in store.twins()}
    store.close()
    whole, draw, detected = store.rows.path.read_bytes(), random.Random(3), 0
    for i in range(70):
        path = tmp_path / f"flipped{i}" / "twins.db"
        path.parent.mkdir()
        content = bytearray(whole)
        content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
        path.write_bytes(content)
        try:
            with gemel.store.open(path) as flipped:
                if flipped.verify():
                    assert {twin: flipped.events(twin) for twin in flipped.twins()} == truth
                else:
                    detected += 1
        except StoreError:
            detected += 1
        shutil.rmtree(path.parent)
    assert detected > 10


def random_graph(count: int, seed: int) -> list[Event]:
    """Events that each take up to three earlier outputs or events, and some retractions."""
    draw = random.Random(seed)
    events: list[Event] = []
    for i in range(count):
        earlier = draw.sample(events, min(len(events), draw.randint(0, 3)))
        retracts = bool(events) and draw.random() < 0.02
        inputs = (
            (draw.choice(events).hash,)
            if retracts
            else tuple(e.hash if draw.random() < 0.3 or not e.outputs else e.outputs[0] for e in earlier)
        )
        outputs = () if retracts else (name(f"out {draw.randint(0, count)}"),)
        kind = "Retracted" if retracts else "Assimilated"
        events.append(Event("p", i + 1, 0.0, 0.0, kind, "", inputs, outputs, (), {}, name("env"), None, "", name(f"event {i}")))
    return events


def spread(events: list[Event]) -> frozenset[str]:
    """The same by brute force: pass over all events until nothing more is tainted."""
    found = {source for e in events if e.kind == "Retracted" for source in e.inputs}
    before = -1
    while len(found) != before:
        before = len(found)
        for e in events:
            if e.kind != "Retracted" and (e.hash in found or found & set(e.inputs)):
                found |= {e.hash, *e.outputs}
    return frozenset(found)


@pytest.mark.parametrize("seed", range(20))
def test_taint_is_what_brute_force_finds(seed: int) -> None:
    events = random_graph(120, seed)
    assert tainted(events) == spread(events)


def test_ten_thousand_events_are_tainted_within_a_second() -> None:
    events = random_graph(10_000, 1)
    start_s = time.process_time()
    found = tainted(events)
    assert time.process_time() - start_s < 1.0
    assert found == spread(events)
    assert len(found) > 1000


def test_as_of_and_known_at_agree_with_a_filter_in_plain_python(tmp_path: Path) -> None:
    draw = random.Random(2)
    with gemel.store.open(tmp_path / "times.db") as store:
        for _ in range(60):
            store.append("p", "Observed", {}, valid_s=draw.randint(0, 9) / 3, known_s=draw.randint(0, 9) / 7)
        events = store.events("p")
        for as_of, known_at in [(i / 3, j / 7) for i in range(-1, 11) for j in range(-1, 11)]:
            assert store.events("p", as_of, known_at) == [e for e in events if e.valid_s <= as_of and e.known_s <= known_at]
