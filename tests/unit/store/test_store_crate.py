"""A twin travels as one file: another machine verifies and opens it; what was damaged or forged on the way is refused."""

import hashlib
import json
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

import gemel.store
from gemel.core.errors import ConflictError, InputError, StoreError
from gemel.flow.show import show
from gemel.store import Event, Store, crate, erase, export, load, read_crate

ONE = pytest.mark.parametrize("url", ["sqlite"], indirect=True)
Parts = dict[str, bytes]


@pytest.fixture
def file(store: Store, tmp_path: Path) -> tuple[Path, str]:
    """A crate of p1 and its seal; the record holds another twin, between its events."""
    with store.together():
        person = store.keep_person({"patient_name": "LOVELACE^ADA"})
        scan = store.append("p1", "Ingested", {"person": person}, valid_s=5.0, outputs=[store.artefacts.put(b"scan")], actor="a")
    store.append("p2", "Ingested", {}, outputs=[store.artefacts.put(b"of another patient")])
    forecast = store.append("p1", "Forecast", {}, outputs=[store.artefacts.put(b"forecast")], inputs=[scan.hash], seed=3)
    store.append("p1", "Assimilated", {"forecast": forecast.hash, "rank": [0.25]}, inputs=[forecast.hash, *scan.outputs])
    path = tmp_path / "p1.zip"
    return path, export(store, "p1", path)


def parts_of(path: Path) -> Parts:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def written(path: Path, parts: Parts) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def listed_anew(parts: Parts) -> Parts:
    """A forger's work: the metadata lists whatever the files are now."""
    held = json.loads(parts[crate.METADATA])
    files = [crate.described(name, content) for name, content in parts.items() if name != crate.METADATA]
    others = [entity for entity in held["@graph"] if entity["@type"] != "File"]
    next(entity for entity in others if entity["@id"] == "./")["hasPart"] = [{"@id": entity["@id"]} for entity in files]
    return {**parts, crate.METADATA: json.dumps({**held, "@graph": [*others, *files]}).encode()}


def test_another_record_opens_it_with_every_value_as_it_was(file: tuple[Path, str], store: Store, tmp_path: Path) -> None:
    path, seal = file
    with gemel.store.open(tmp_path / "other.db", clock=lambda: 9000.0) as other:
        other.append("p9", "Observed", {})
        loaded = load(other, path, seal=seal, actor="b")
        mine, theirs = store.events("p1"), other.events("p1")
        assert theirs == loaded
        assert [e.kind for e in theirs] == [*(e.kind for e in mine), "Ingested"]
        for a, b in zip(mine, theirs, strict=False):
            assert (a.version, a.valid_s, a.known_s, a.actor, a.seed, a.outputs, a.environment) == (
                b.version, b.valid_s, b.known_s, b.actor, b.seed, b.outputs, b.environment,
            )  # fmt: skip
        assert theirs[2].payload == {"forecast": theirs[1].hash, "rank": [0.25]}
        assert theirs[2].inputs == (theirs[1].hash, *mine[0].outputs)
        assert theirs[3].payload["imported"] == {"seal": seal, "compared": True, "head": mine[2].hash}
        assert other.artefacts.get(theirs[3].outputs[0]) == parts_of(path)[crate.EVENTS]
        assert other.artefacts.get(mine[0].outputs[0]) == b"scan"
        assert other.check(artefacts=True) == []
        with pytest.raises(StoreError, match="no details of the person"):
            other.person(theirs[0])
        with pytest.raises(ConflictError, match="already"):
            load(other, path)


@ONE
def test_the_person_goes_along_only_when_asked_for(file: tuple[Path, str], store: Store, tmp_path: Path) -> None:
    assert b"LOVELACE" not in b"".join(parts_of(file[0]).values())
    export(store, "p1", tmp_path / "with.zip", with_persons=True)
    with gemel.store.open(tmp_path / "other.db") as other:
        assert other.person(load(other, tmp_path / "with.zip")[0]) == {"patient_name": "LOVELACE^ADA"}
        assert other.check(artefacts=True) == []


@ONE
def test_nothing_of_other_twins_goes_along(file: tuple[Path, str]) -> None:
    held = parts_of(file[0])
    assert b"of another patient" not in b"".join(held.values())
    assert b"p2" not in held[crate.METADATA] + held[crate.EVENTS]


@ONE
def test_it_is_an_ro_crate_that_lists_every_file_and_tells_what_made_what(file: tuple[Path, str], store: Store) -> None:
    path, seal = file
    held = parts_of(path)
    assert seal == hashlib.sha256(held[crate.METADATA]).hexdigest()
    document = json.loads(held[crate.METADATA])
    assert document["@context"][0] == "https://w3id.org/ro/crate/1.1/context"
    graph = {entity["@id"]: entity for entity in document["@graph"]}
    assert graph["ro-crate-metadata.json"]["conformsTo"] == {"@id": "https://w3id.org/ro/crate/1.1"}
    assert graph["ro-crate-metadata.json"]["about"] == {"@id": "./"}
    root = graph["./"]
    assert root["@type"] == "Dataset"
    assert {"name", "description", "datePublished", "license"} <= root.keys()
    assert {part["@id"] for part in root["hasPart"]} == held.keys() - {crate.METADATA}
    scan, forecast, _ = store.events("p1")
    action = graph[f"#{forecast.hash}"]
    assert action["object"] == {"@id": f"#{scan.hash}"}
    assert action["result"] == {"@id": f"artefacts/{forecast.outputs[0]}"}
    links = [
        link["@id"] for e in graph.values() for v in e.values() for link in (v if isinstance(v, list) else [v]) if isinstance(link, dict)
    ]
    assert {link for link in links if not link.startswith("http")} <= graph.keys()


@ONE
def test_the_same_record_makes_the_same_file(store: Store, file: tuple[Path, str], path: Path, tmp_path: Path) -> None:
    store.close()
    crates = []
    for name in ("a.zip", "b.zip"):
        with gemel.store.open(path, clock=lambda: 7.0) as again:
            crates.append((export(again, "p1", tmp_path / name), (tmp_path / name).read_bytes()))
    assert crates[0] == crates[1]


@ONE
def test_a_flipped_bit_anywhere_is_refused_or_harmless(file: tuple[Path, str], tmp_path: Path) -> None:
    path, seal = file
    whole, truth, draw, refused = path.read_bytes(), read_crate(path, seal=seal).events, random.Random(5), 0
    for _ in range(400):
        content = bytearray(whole)
        content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
        flipped = tmp_path / "flipped.zip"
        flipped.write_bytes(content)
        try:
            assert read_crate(flipped, seal=seal).events == truth  # a date or a comment of the zip
        except StoreError:
            refused += 1
    assert refused > 300


@ONE
@pytest.mark.parametrize("kept", [0.0, 0.3, 0.9, 0.999])
def test_a_truncated_file_is_refused(file: tuple[Path, str], kept: float) -> None:
    path, _ = file
    path.write_bytes(path.read_bytes()[: int(kept * path.stat().st_size)])
    with pytest.raises(StoreError, match="ask the sender"):
        read_crate(path)


def altered(parts: Parts) -> Parts:
    return {**parts, crate.EVENTS: parts[crate.EVENTS].replace(b"0.25", b"0.75")}


def cut_off(parts: Parts) -> Parts:
    return {**parts, crate.EVENTS: b"".join(parts[crate.EVENTS].splitlines(keepends=True)[:-1])}


def reordered(parts: Parts) -> Parts:
    a, b, c = parts[crate.EVENTS].splitlines(keepends=True)
    return {**parts, crate.EVENTS: a + c + b}


def without_an_artefact(parts: Parts) -> Parts:
    gone = next(name for name in parts if name.startswith(crate.ARTEFACTS) and parts[name] == b"scan")
    return {name: content for name, content in parts.items() if name != gone}


def not_listed(parts: Parts) -> Parts:
    return {**parts, "artefacts/" + "0" * 64: b"more"}


def outside(parts: Parts) -> Parts:
    return {**parts, "../outside": b"more"}


def another_content(parts: Parts) -> Parts:
    return {name: b"mole" if content == b"scan" else content for name, content in parts.items()}


def no_metadata(parts: Parts) -> Parts:
    return {name: content for name, content in parts.items() if name != crate.METADATA}


def nonsense(parts: Parts) -> Parts:
    return {**parts, crate.METADATA: b'{"@graph": 3}'}


@ONE
@pytest.mark.parametrize("relisted", [False, True], ids=["as it is", "listed anew"])
@pytest.mark.parametrize(
    "forge", [altered, cut_off, reordered, without_an_artefact, not_listed, outside, another_content, no_metadata, nonsense]
)
def test_a_forged_crate_is_refused_even_without_the_seal(
    file: tuple[Path, str], tmp_path: Path, forge: Callable[[Parts], Parts], relisted: bool
) -> None:
    parts = forge(parts_of(file[0]))
    forged = written(tmp_path / "forged.zip", listed_anew(parts) if relisted and forge not in (no_metadata, nonsense) else parts)
    with gemel.store.open(tmp_path / "other.db") as other:
        with pytest.raises(StoreError, match="ask the sender"):
            load(other, forged)
        assert other.twins() == []
        assert list(other.artefacts.folder.glob("??/*")) == []


@ONE
def test_an_event_hung_onto_another_place_of_the_chain_is_refused(file: tuple[Path, str], store: Store, tmp_path: Path) -> None:
    parts, (scan, _, last) = parts_of(file[0]), store.events("p1")
    lines = parts[crate.EVENTS].splitlines(keepends=True)
    hung = lines[2].replace(f'"previous":"{last.previous}"'.encode(), f'"previous":"{scan.hash}"'.encode())
    told = parts[crate.METADATA].replace(last.hash.encode(), hashlib.sha256(hung.strip()).hexdigest().encode())
    forged = listed_anew({**parts, crate.EVENTS: lines[0] + lines[1] + hung, crate.METADATA: told})
    with pytest.raises(StoreError, match="follows an event that it cannot"):
        read_crate(written(tmp_path / "forged.zip", forged))


@ONE
def test_a_crate_forged_as_a_whole_is_refused_by_its_seal(file: tuple[Path, str], tmp_path: Path) -> None:
    path, seal = file
    with gemel.store.open(tmp_path / "forger.db") as forger:
        event: Event = forger.append("p1", "Ingested", {"recommended": "stop the treatment"})
        export(forger, event.twin, tmp_path / "forged.zip")
    assert not read_crate(tmp_path / "forged.zip").compared
    with pytest.raises(StoreError, match=f"not {seal}"):
        read_crate(tmp_path / "forged.zip", seal=seal)
    assert read_crate(path, seal=seal).compared


@ONE
def test_an_erased_twin_travels_without_what_was_erased(store: Store, file: tuple[Path, str], tmp_path: Path) -> None:
    erase(store, "p1", "asked")
    seal = export(store, "p1", tmp_path / "erased.zip", with_persons=True)
    with gemel.store.open(tmp_path / "other.db") as other:
        load(other, tmp_path / "erased.zip", seal=seal)
        assert other.check(artefacts=True) == []


@ONE
def test_what_is_no_twin_is_not_exported(store: Store, tmp_path: Path) -> None:
    gemel.store.receive(store, "1.2.3", b"an object")
    for twin in ("nobody", "inbox"):
        with pytest.raises(InputError, match="to export"):
            export(store, twin, tmp_path / "out.zip")
    assert not (tmp_path / "out.zip").exists()


@ONE
def test_originals_can_stay_at_home(store: Store, tmp_path: Path) -> None:
    original, case = store.artefacts.put(b"DICM LOVELACE^ADA"), store.artefacts.put(b"a case")
    store.append("p1", "Ingested", {"case": case}, inputs=[original], outputs=[case])
    export(store, "p1", tmp_path / "without.zip", with_originals=False)
    assert b"LOVELACE" not in b"".join(parts_of(tmp_path / "without.zip").values())
    with gemel.store.open(tmp_path / "other.db") as other:
        load(other, tmp_path / "without.zip")
        assert other.artefacts.get(case) == b"a case"
        assert other.check(artefacts=True) == []


def test_a_twin_believes_after_the_journey_what_it_believed_before(lived: Store, tmp_path: Path) -> None:
    (twin,) = lived.twins()
    before = show(lived, twin)
    seal = export(lived, twin, tmp_path / "twin.zip", with_originals=False)
    with gemel.store.open(tmp_path / "elsewhere.db") as other:
        load(other, tmp_path / "twin.zip", seal=seal)
        after = show(other, twin)
        assert (after.belief, after.badge, after.expected) == (before.belief, before.badge, before.expected)
        assert other.check(artefacts=True) == []
