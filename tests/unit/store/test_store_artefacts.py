"""An artefact is named by its content, comes back bit for bit, and is never given out damaged."""

import hashlib
import io
import os
from pathlib import Path

import numpy as np
import pytest

import gemel.store
from gemel.core.errors import InputError, StoreError
from gemel.store import Artefacts, Store


@pytest.fixture
def artefacts(tmp_path: Path) -> Artefacts:
    return Artefacts(tmp_path / "twins.db.artefacts")


def arrays() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    return {
        "dose_Gy": rng.random((4, 5, 6), dtype=np.float32), "mask": rng.random((4, 5)) > 0.5, "file": np.array(3.5),
        "empty": np.zeros((0, 3)), "names": np.array(["bladder", "rectum"]), "complex": np.array([1 + 2j]), "count": np.arange(3),
    }  # fmt: skip


def files(artefacts: Artefacts) -> list[str]:
    return sorted(p.relative_to(artefacts.folder).as_posix() for p in artefacts.folder.rglob("*") if p.is_file())


def test_bytes_are_named_by_their_sha256_and_kept_as_they_are(artefacts: Artefacts) -> None:
    name = artefacts.put(b"DICM\0 and more")
    assert name == hashlib.sha256(b"DICM\0 and more").hexdigest()
    assert (artefacts.folder / name[:2] / name).read_bytes() == artefacts.get(name) == b"DICM\0 and more"
    assert files(artefacts) == [f"{name[:2]}/{name}"]


def test_a_file_is_copied_and_may_be_changed_afterwards(artefacts: Artefacts, tmp_path: Path) -> None:
    source, content = tmp_path / "ct.dcm", os.urandom(3_000_000)
    source.write_bytes(content)
    name = artefacts.put(source)
    source.write_bytes(b"")
    assert name == hashlib.sha256(content).hexdigest()
    assert artefacts.get(name) == content


def test_the_same_content_is_kept_once(artefacts: Artefacts) -> None:
    assert artefacts.put(b"a") == artefacts.put(b"a")
    assert artefacts.put_arrays(arrays()) == artefacts.put_arrays(dict(reversed(arrays().items())))
    assert len(files(artefacts)) == 2


def test_bytes_that_were_kept_compressed_are_not_kept_again(artefacts: Artefacts) -> None:
    name = artefacts.put_arrays(arrays())
    assert artefacts.put(artefacts.get(name)) == name
    assert artefacts.get_arrays(name).keys() == arrays().keys()


def test_arrays_come_back_with_dtype_shape_and_every_bit(artefacts: Artefacts) -> None:
    back = artefacts.get_arrays(artefacts.put_arrays(arrays()))
    for name, array in arrays().items():
        assert back[name].dtype == array.dtype
        assert back[name].shape == array.shape
        assert back[name].tobytes() == array.tobytes()


def test_the_hash_of_arrays_is_pinned_and_blind_to_memory_layout(artefacts: Artefacts) -> None:
    a = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    pinned = "b6e4cdb7a36881c3737f0fb4f8710870e0a43c1612a60d912e845aa801349961"
    assert {artefacts.put_arrays({"a": x}) for x in (a, np.asfortranarray(a), a.astype(">f4"))} == {pinned}
    assert artefacts.put_arrays({"a": a.astype(np.float64)}) != pinned
    with np.load(io.BytesIO(artefacts.get(pinned))) as archive:  # any program that reads .npz can read it
        assert (archive["a"] == a).all()


@pytest.mark.parametrize("put", [lambda s: s.put(bytes(500)), lambda s: s.put_arrays({"a": np.arange(99)})], ids=["bytes", "arrays"])
@pytest.mark.parametrize("damage", ["torn", "altered", "longer", "emptied", "header"])
def test_a_damaged_file_is_refused_by_name_and_replaced_by_a_new_put(artefacts: Artefacts, put: object, damage: str) -> None:
    name = put(artefacts)
    (path,) = (p for p in artefacts.folder.rglob("*") if p.is_file())
    content = path.read_bytes()
    path.chmod(0o644)
    middle = len(content) // 2
    flipped = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
    header = bytes([content[0] ^ 16]) + content[1:]
    path.write_bytes({"torn": content[:-1], "altered": flipped, "longer": content + b"\0", "emptied": b"", "header": header}[damage])
    with pytest.raises(StoreError) as caught:
        artefacts.get(name)
    assert caught.value.where == str(path)
    assert put(artefacts) == name
    assert artefacts.get(name)
    assert len(list((artefacts.folder / "quarantine").iterdir())) == 1


def test_what_is_not_there_is_refused(artefacts: Artefacts, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no artefact"):
        artefacts.get("0" * 64)
    with pytest.raises(InputError, match="SHA-256"):
        artefacts.get("../../etc/passwd")
    with pytest.raises(StoreError) as caught:
        artefacts.put(tmp_path / "missing.dcm")
    assert caught.value.where == str(tmp_path / "missing.dcm")
    with pytest.raises(InputError, match="Python objects"):
        artefacts.put_arrays({"a": np.array([object()])})
    with pytest.raises(StoreError, match="does not hold arrays"):
        artefacts.get_arrays(artefacts.put(b"text"))
    assert not list(artefacts.folder.glob(".tmp-*"))


def test_an_event_tells_which_outputs_are_kept_and_a_missing_one_is_found(store: Store) -> None:
    image, elsewhere = store.artefacts.put(b"image"), hashlib.sha256(b"elsewhere").hexdigest()
    event = store.append("p1", "Ingested", {}, outputs=[image, elsewhere])
    assert event.kept == (image,)
    assert store.check(artefacts=True) == []
    (store.artefacts.folder / image[:2] / image).unlink()
    assert [finding.where for finding in store.check(artefacts=True)] == [image]
    assert store.verify()


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_an_altered_artefact_is_found(store: Store) -> None:
    name = store.artefacts.put(b"image")
    path = store.artefacts.folder / name[:2] / name
    path.chmod(0o644)
    path.write_bytes(b"imagf")
    assert [finding.where for finding in store.check(artefacts=True)] == [name]


def left_behind(url: str) -> tuple[str, str]:
    """A record with one event, one artefact nobody speaks of, and one unfinished file."""
    with gemel.store.open(url) as store:
        used = store.artefacts.put(b"used")
        store.append("p1", "Ingested", {"series": [store.artefacts.put(b"named in the payload")]}, outputs=[used])
        orphan = store.artefacts.put(b"orphan")
        (store.artefacts.folder / ".tmp-torn").write_bytes(b"half")
    return used, orphan


def test_the_sweep_at_start_moves_leftovers_to_quarantine_and_deletes_nothing(url: str) -> None:
    used, orphan = left_behind(url)
    with gemel.store.open(url) as store:
        assert [p.name for p in store.swept.temporary] == [".tmp-torn"]
        assert [p.name for p in store.swept.orphans] == [orphan]
        assert sorted(p.read_bytes() for p in store.swept.quarantined) == [b"half", b"orphan"]
        assert store.swept.left_because == ""
        assert store.artefacts.get(used) == b"used"
        assert store.check(artefacts=True) == []
        again = store.sweep()
        assert (again.temporary, again.orphans, len(again.quarantined)) == ((), (), 2)


def test_nothing_is_moved_while_another_store_is_open(url: str) -> None:
    left_behind(url)
    first = gemel.store.open(url)
    name = first.artefacts.put(b"on its way to an event")
    with gemel.store.open(url) as second:
        assert [p.name for p in second.swept.orphans] == [name]
        assert second.swept.left_because == "another process has the store open"
        assert first.sweep().left_because == ""  # an artefact of its own session is no orphan to itself
    assert first.artefacts.get(name)
    first.append("p1", "Ingested", {}, outputs=[name])
    first.close()
    with gemel.store.open(url) as third:
        assert third.swept.orphans == ()
        assert third.artefacts.get(name)


def test_artefacts_of_this_session_wait_for_their_event(store: Store) -> None:
    name = store.artefacts.put(b"not yet in an event")
    (store.artefacts.folder / ".tmp-torn").write_bytes(b"half")
    swept = store.sweep()
    assert swept.left_because == "artefacts of this session wait for their event"
    assert (store.artefacts.folder / ".tmp-torn").exists()
    store.append("p1", "Ingested", {}, outputs=[name])
    assert store.sweep().left_because == ""
    assert not (store.artefacts.folder / ".tmp-torn").exists()
