"""Content-addressed files beside the record: the name of an artefact is the SHA-256 of its bytes."""

import hashlib
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from jaxtyping import Shaped

from gemel.core.errors import StoreError
from gemel.core.image import Array
from gemel.store import arrays, files
from gemel.store.event import require_hashes

# Suffix of artefacts kept compressed. The name is the hash of the bytes before compression, so it does not depend on the version of zlib.
PACKED = ".z"


@dataclass(frozen=True)
class Artefacts:
    """A folder of artefacts: `ab/abcdef…` as they came, `ab/abcdef….z` compressed (zlib, RFC 1950), `quarantine/` what was swept away."""

    folder: Path
    fresh: set[str] = field(default_factory=set)  # hashes put in this session

    def put(self, content: bytes | Path) -> str:
        """Keeps bytes, or a copy of a file, and returns their hash. Raises StoreError; a torn file never bears a final name."""
        return _put(self, (lambda: [content]) if isinstance(content, bytes) else (lambda: files.read_chunks(content)))

    def put_arrays(self, named: Mapping[str, Shaped[Array, "..."]]) -> str:
        """Keeps named arrays, compressed, and returns the hash: the same arrays give the same hash."""
        packed = arrays.pack(named)
        return _put(self, lambda: [packed], PACKED)

    def get(self, hash: str) -> bytes:
        """The bytes, verified against their name. Raises StoreError when they are missing, torn or altered."""
        path = find(self, hash)
        if path is None:
            remedy = f"copy the file back from a backup as {location(self, hash)}"
            raise StoreError(f"no artefact {hash}", where=str(self.folder), remedy=remedy)
        content = _plain(path)
        if not _matches(path, content):
            raise StoreError("a torn or altered artefact", where=str(path), remedy="restore the file from a backup")
        return content

    def get_arrays(self, hash: str) -> dict[str, Array]:
        """Arrays put by `put_arrays`."""
        return arrays.unpack(self.get(hash), hash)


def location(artefacts: Artefacts, hash: str, suffix: str = "") -> Path:
    """Where an artefact lies."""
    require_hashes("artefacts asked for", (hash,))
    return artefacts.folder / hash[:2] / f"{hash}{suffix}"


def find(artefacts: Artefacts, hash: str) -> Path | None:
    """The artefact's file, or None."""
    return next((path for suffix in ("", PACKED) if (path := location(artefacts, hash, suffix)).is_file()), None)


def stored(artefacts: Artefacts) -> Iterator[Path]:
    """Every file that bears an artefact's name."""
    return (path for path in sorted(artefacts.folder.glob("[0-9a-f][0-9a-f]/*")) if len(path.name.removesuffix(PACKED)) == 64)


def is_whole(path: Path) -> bool:
    """True when the file's bytes match its name."""
    return _matches(path, _plain(path))


def is_there(artefacts: Artefacts, hash: str) -> bool:
    """True when the artefact is there and whole."""
    held = find(artefacts, hash)
    return held is not None and is_whole(held)


def _matches(path: Path, content: bytes) -> bool:
    return hashlib.sha256(content).hexdigest() == path.name.removesuffix(PACKED)


def _plain(path: Path) -> bytes:
    """The file's bytes before compression; of a torn or altered compressed file, bytes that match no name."""
    with files.refusing(path):
        content = path.read_bytes()
    if path.suffix != PACKED:
        return content
    stream = zlib.decompressobj()
    try:
        plain = stream.decompress(content)
    except zlib.error:
        return b"damaged: " + content
    return plain if stream.eof and not stream.unused_data else b"damaged: " + content


def erase(artefacts: Artefacts, hash: str) -> bool:
    """Deletes an artefact for good, durably; False when there was none. Only `Store.erase` asks for this."""
    held = find(artefacts, hash)
    if held is None:
        return False
    with files.refusing(held):
        held.unlink()
        files.sync_folder(held.parent)
    return True


def quarantine(artefacts: Artefacts, path: Path) -> Path:
    """Moves a file to quarantine/ under a name of its own; nothing is deleted."""
    target = artefacts.folder / "quarantine" / f"{path.name}.{uuid4().hex[:8]}"
    with files.refusing(path):
        files.make_folder(target.parent)
        path.rename(target)
        files.sync_folder(target.parent)
    return target


def _put(artefacts: Artefacts, read: Callable[[], Iterable[bytes]], suffix: str = "") -> str:
    """Hashes first: what is there already, whole, is not written again."""
    state = hashlib.sha256()
    for chunk in read():
        state.update(chunk)
    held = find(artefacts, state.hexdigest())
    if held is None or not is_whole(held):
        return _write(artefacts, read(), suffix)
    artefacts.fresh.add(state.hexdigest())
    with files.refusing(held):
        files.sync_folder(held.parent)  # another process may have named it a moment ago
    return state.hexdigest()


def _write(artefacts: Artefacts, chunks: Iterable[bytes], suffix: str) -> str:
    temporary = artefacts.folder / f"{files.TEMPORARY}{uuid4().hex}"
    with files.refusing(artefacts.folder):
        files.make_folder(artefacts.folder)
    state = hashlib.sha256()
    artefacts.fresh.add(temporary.name)
    try:
        files.write_synced(temporary, _hashed(chunks, state.update, packed=suffix == PACKED))
        _publish(artefacts, temporary, location(artefacts, state.hexdigest(), suffix))
    finally:
        artefacts.fresh.discard(temporary.name)
    artefacts.fresh.add(state.hexdigest())
    return state.hexdigest()


def _publish(artefacts: Artefacts, temporary: Path, target: Path) -> None:
    """Names the new file, unless a whole one of the same content is there; a damaged one is moved to quarantine."""
    held = find(artefacts, target.name.removesuffix(PACKED))
    if held and is_whole(held):
        with files.refusing(held):
            temporary.unlink()
            files.sync_folder(held.parent)  # another process may have named it a moment ago
        return
    if held:
        quarantine(artefacts, held)
    files.publish(temporary, target)


def _hashed(chunks: Iterable[bytes], update: Callable[[bytes], None], packed: bool) -> Iterator[bytes]:
    """The chunks as they are to be written, each fed to the hash before compression."""
    squeeze = zlib.compressobj(1)
    for chunk in chunks:
        update(chunk)
        yield squeeze.compress(chunk) if packed else chunk
    if packed:
        yield squeeze.flush()
