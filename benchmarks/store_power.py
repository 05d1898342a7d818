"""Cuts the power at random moments: everything that was not flushed may be gone, whole or in parts. Is anything acknowledged lost?

Claim: 0 acknowledged events, artefacts, objects or persons lost and 0 torn files under a final name, whenever the power fails.

A shim between the store and the C library logs every write, rename and flush of one run, SQLite's own included. A power cut is then a
place in that log, and a disk on which each change that no flush covers is absent, there, or there in some of its 512-byte sectors.
A new name lasts only once its folder was flushed. Needs a C compiler and Linux.
"""

import argparse
import json
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import gemel.store
from gemel.store import artefacts as kept

SECTOR = 512
HEAD = struct.Struct("<cQqQ")
Work = Callable[[Path, int, int], None]
Judge = Callable[[Path, list[list[str]]], dict[str, int]]
STYLES = ("nothing unflushed", "everything", "some sectors")


def work(folder: Path, rounds: int, seed: int) -> None:
    """The run that is logged: artefacts, events, objects, persons; a line in `told` after each return."""
    draw = random.Random(seed)
    told = os.open(folder / "told", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for part in range(3):
        with gemel.store.open(folder / "twins.db") as store:
            store.rows.connection.execute("PRAGMA wal_autocheckpoint = 25")  # as many checkpoints as in a long run
            for i in range(rounds):
                name = store.artefacts.put(draw.randbytes(draw.randint(1, 9000)))
                with store.together():
                    person = store.keep_person({"patient_name": f"{part} {i}"})
                    event = store.append(f"twin {draw.randint(1, 3)}", "Ingested", {"person": person}, outputs=[name])
                os.write(told, f"event {event.hash} {name}\n".encode())
                received = gemel.store.receive(store, f"1.2.{draw.randint(1, 9)}", bytes([draw.randint(0, 2)]))
                os.write(told, f"object {received.hash} {received.hash}\n".encode())


@dataclass
class Inode:
    """Bytes that are safe, and changes that are not: (offset, bytes), or (length, None) for a cut."""

    safe: bytearray = field(default_factory=bytearray)
    waiting: list[tuple[int, bytes | None]] = field(default_factory=list)


@dataclass
class Disk:
    """Inodes, names that are safe, and changes of names by folder that are not."""

    inodes: dict[int, Inode] = field(default_factory=lambda: defaultdict(Inode))
    folders: dict[str, int] = field(default_factory=dict)
    safe: dict[str, int] = field(default_factory=dict)
    waiting: dict[str, list[tuple[str, int]]] = field(default_factory=lambda: defaultdict(list))


def read_log(path: Path) -> list[tuple[str, int, int, bytes]]:
    data, at, found = path.read_bytes(), 0, []
    while at < len(data):
        kind, inode, offset, length = HEAD.unpack_from(data, at)
        at += HEAD.size
        found.append((kind.decode(), inode, offset, data[at : at + length]))
        at += length
    return found


def change(file: Inode, offset: int, content: bytes | None) -> None:
    """One change of a file's safe bytes."""
    if content is None:
        del file.safe[offset:]
        file.safe.extend(bytes(offset - len(file.safe)))
        return
    file.safe.extend(bytes(max(0, offset + len(content) - len(file.safe))))
    file.safe[offset : offset + len(content)] = content


def name(disk: Disk, path: str, inode: int) -> None:
    """A name given, or taken away (inode 0), not yet safe."""
    disk.waiting[os.path.dirname(path)].append((path, inode))


def play(log: list[tuple[str, int, int, bytes]], root: str, flushes: bool) -> Disk:
    """The disk after the log, with what is safe and what is not."""
    disk = Disk(folders={root: os.stat(root).st_ino})
    for kind, inode, offset, content in log:
        if kind == "w":
            disk.inodes[inode].waiting.append((offset, content))
        elif kind == "t":
            disk.inodes[inode].waiting.append((offset, None))
        elif kind in "cd":
            disk.inodes[inode] = Inode()  # numbers are given again
            disk.folders |= {content.decode(): inode} if kind == "d" else {}
            name(disk, content.decode(), inode)
        elif kind == "u":
            name(disk, content.decode(), 0)
        elif kind == "r":
            old, new = content.decode().split("\n")
            name(disk, new, inode)
            name(disk, old, 0)
        elif flushes:
            flush(disk, inode)
    return disk


def flush(disk: Disk, inode: int) -> None:
    """What fsync promises: this file's bytes, or this folder's names."""
    for offset, content in disk.inodes[inode].waiting:
        change(disk.inodes[inode], offset, content)
    disk.inodes[inode].waiting.clear()
    for folder in [path for path, number in disk.folders.items() if number == inode]:
        for path, given in disk.waiting.pop(folder, []):
            disk.safe[path] = given


def cut_power(disk: Disk, style: str, draw: random.Random) -> None:
    """Decides of every change that was not flushed whether the disk has it."""
    if style == "nothing unflushed":
        return
    for changes in disk.waiting.values():
        count = len(changes) if style == "everything" else draw.randint(0, len(changes))
        disk.safe |= dict(changes[:count])
    for file in disk.inodes.values():
        for offset, content in file.waiting:
            parts = [(offset, content)] if content is None or style == "everything" else sectors(offset, content)
            for at, part in parts:
                if style == "everything" or draw.random() < 0.5:
                    change(file, at, part)


def sectors(offset: int, content: bytes) -> list[tuple[int, bytes]]:
    """A write in the pieces that a disk writes at once."""
    edges = [0, *range(SECTOR - offset % SECTOR, len(content), SECTOR), len(content)]
    return [(offset + a, content[a:b]) for a, b in pairwise(edges)]


def written(disk: Disk, root: str, folder: Path) -> None:
    """The disk as files in a folder; SQLite's shared memory does not outlive the machine."""
    numbers = set(disk.folders.values())
    folders = {path for path, inode in disk.safe.items() if inode in numbers and disk.folders.get(path) == inode} | {root}
    for path in sorted(folders):
        if all(str(parent) in folders for parent in Path(path).parents if str(parent).startswith(root)):
            (folder / os.path.relpath(path, root)).mkdir(exist_ok=True)
    for path, inode in disk.safe.items():
        target = folder / os.path.relpath(path, root)
        if inode and path not in folders and target.parent.is_dir() and not path.endswith("-shm"):
            target.write_bytes(disk.inodes[inode].safe)


def acknowledged(log: list[tuple[str, int, int, bytes]], root: str) -> list[list[str]]:
    """What the run had said before the cut."""
    told = next((inode for kind, inode, _, content in log if kind == "c" and content.decode() == f"{root}/told"), None)
    return [line.split() for kind, inode, _, content in log if kind == "w" and inode == told for line in content.decode().splitlines()]


def judge(folder: Path, told: list[list[str]]) -> dict[str, int]:
    """What is missing, torn or wrong on a disk after the power came back."""
    artefacts = kept.Artefacts(folder / "twins.db.artefacts")
    torn = sum(not kept.is_whole(path) for path in kept.stored(artefacts)) if artefacts.folder.is_dir() else 0
    try:
        with gemel.store.open(folder / "twins.db") as store:
            events = {event.hash: event for twin in store.twins() for event in store.events(twin)}
            objects = {hash for _, hash, _ in store.rows.select("SELECT uid, hash, event FROM object")}
            lost = sum(
                name not in (events if what == "event" else objects) or not kept.is_there(store.artefacts, file)
                for what, name, file in told
            )
            nameless = sum("person" in event.payload and not store.person(event) for event in events.values())
            return {
                "lost": lost,
                "torn": torn,
                "findings": len(store.check(artefacts=True)) + nameless,
                "swept": len(store.swept.quarantined),
            }
    except gemel.core.errors.GemelError:
        return {"lost": len(told), "torn": torn, "findings": 1, "swept": 0}


def logged(script: Path, folder: Path, rounds: int, seed: int) -> tuple[list[tuple[str, int, int, bytes]], str]:
    """The log of one run of a script under the shim, and its folder."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None or not sys.platform.startswith("linux"):
        raise SystemExit("no C compiler, or not Linux: the shim cannot be built")
    shim, log, root = folder / "shim.so", folder / "log", folder / "disk"
    source = Path(__file__).with_name("store_power_shim.c")
    subprocess.run([compiler, "-O1", "-shared", "-fPIC", "-o", shim, source], check=True)
    root.mkdir()
    environment = os.environ | {"LD_PRELOAD": str(shim), "POWER_ROOT": str(root), "POWER_LOG": str(log)}
    run = [sys.executable, script, "--work", str(root), "--rounds", str(rounds), "--seed", str(seed)]
    subprocess.run(run, env=environment, check=True)
    return read_log(log), str(root)


def cut(script: str, words: str | None, work: Work, judge: Judge, *, rounds: int) -> None:
    """A script's command: its work, logged; cuts at random places of the log; what its judge finds, in all."""
    parser = argparse.ArgumentParser(description=words)
    parser.add_argument("--cuts", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--without-flushes", action="store_true", help="a disk that ignores fsync: the loss must be seen")
    parser.add_argument("--work", default=None, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.work:
        work(Path(asked.work), asked.rounds, asked.seed)
        return
    draw, total = random.Random(asked.seed), defaultdict[str, int](int)
    with tempfile.TemporaryDirectory() as name:
        log, root = logged(Path(script), Path(name), asked.rounds, asked.seed)
        for number in range(asked.cuts):
            end, image = draw.randint(1, len(log)), Path(name) / "image"
            disk = play(log[:end], root, flushes=not asked.without_flushes)
            cut_power(disk, STYLES[number % len(STYLES)], draw)
            image.mkdir()
            written(disk, root, image)
            told = acknowledged(log[:end], root)
            for what, count in (judge(image, told) | {"acknowledged": len(told)}).items():
                total[what] += count
            shutil.rmtree(image)
    flushes = sum(kind == "s" for kind, *_ in log)
    print(json.dumps({"cuts": asked.cuts, "operations": len(log), "flushes": flushes, **total}))


if __name__ == "__main__":
    cut(__file__, __doc__, work, judge, rounds=30)
