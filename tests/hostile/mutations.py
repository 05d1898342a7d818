"""Good objects spoiled by chance, each in one of many ways, the same ones for the same seed."""

import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from gemel.io.prescan import listed
from gemel.io.prescan_rules import LONG
from gemel.io.prescan_walk import SEQUENCE, VALUE
from tests.hostile.seeds import Seed

_VRS = (b"US", b"UL", b"SS", b"OB", b"OW", b"SQ", b"UN", b"UT", b"DS", b"IS", b"UI", b"PN", b"AT", b"FD", b"ZZ", b"\0\0", b"ob")
_LENGTHS = (0, 1, 2, 3, 0x7FFF, 0xFFFE, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFE, 0xFFFFFFFF)
_VALUES = (
    b"-1",
    b"0",
    b"1e999",
    b"NaN",
    b"99999999999",
    b"../../etc/x",
    b"\0\0\0\0",
    b"\xff\xff\xff\xff",
    b"\\\\\\\\",
    b"<b>",
    b"\x1b$B",
    b"%n%s",
    b"*",
)
_SYNTAXES = (
    b"1.2.840.10008.1.2\0", b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.2\0", b"1.2.840.10008.1.2.1.99", b"1.2.840.10008.1.2.5\0",
    b"1.2.840.10008.1.2.4.50", b"1.2.840.10008.1.2.4.80", b"1.2.840.10008.1.2.4.90", b"1.2.840.10008.1.2.4.100",
)  # fmt: skip


@dataclass(frozen=True)
class Target:
    """A good object, where its elements begin and end (head and value), and the others to be mixed with."""

    content: bytes
    elements: tuple[tuple[int, int, int, bool], ...]
    others: Sequence[bytes]


Mutation = Callable[[Target, np.random.Generator], bytes]


def mutants(seeds: Sequence[Seed], number: int, rng: np.random.Generator) -> Iterator[tuple[str, str, bytes]]:
    """`number` spoiled objects: the way, the kind of object, the bytes."""
    ways = tuple(MUTATIONS.items())
    targets = {seed.name: _elements(seed.content) for seed in seeds}
    for _ in range(number):
        seed = seeds[rng.integers(len(seeds))]
        name, mutate = ways[rng.integers(len(ways))]
        target = Target(seed.copy(), targets[seed.name], [other.content for other in seeds])
        yield name, seed.name, mutate(target, rng)


def _elements(content: bytes) -> tuple[tuple[int, int, int, bool], ...]:
    """Begin of the head, begin and end of the value, whether the length has 32 bits, of every element that states its length."""
    source = listed(content, "seed")
    found = []
    for what, _, vr, begin, length in source.tokens:
        if what in (VALUE, SEQUENCE) and length != 0xFFFFFFFF:
            wide = vr in LONG
            found.append((begin - (12 if wide else 8), begin, begin + length, wide or not vr))
    return tuple(found)


def _one(target: Target, rng: np.random.Generator) -> tuple[int, int, int, bool]:
    return target.elements[rng.integers(len(target.elements))]


def _put(content: bytes, at: int, new: bytes) -> bytes:
    return content[:at] + new + content[at + len(new) :]


def flip(target: Target, rng: np.random.Generator) -> bytes:
    """1 to 64 bits turned, most of them in the first 2,000 bytes."""
    content = bytearray(target.content)
    end = min(len(content), 2000) if rng.random() < 0.8 else len(content)
    for at in rng.integers(132, end, rng.integers(1, 65)):
        content[at] ^= 1 << int(rng.integers(8))
    return bytes(content)


def truncate(target: Target, rng: np.random.Generator) -> bytes:
    """Cut anywhere."""
    return target.content[: rng.integers(1, len(target.content))]


def lie(target: Target, rng: np.random.Generator) -> bytes:
    """A length that is not true."""
    _, begin, end, wide = _one(target, rng)
    length = int(rng.choice(_LENGTHS)) if rng.random() < 0.6 else end - begin + int(rng.integers(-3, 4))
    return (
        _put(target.content, begin - 4, struct.pack("<I", length & 0xFFFFFFFF))
        if wide
        else _put(target.content, begin - 2, struct.pack("<H", length & 0xFFFF))
    )


def swap_vr(target: Target, rng: np.random.Generator) -> bytes:
    """Another VR."""
    head, *_ = _one(target, rng)
    return _put(target.content, head + 4, _VRS[rng.integers(len(_VRS))])


def retag(target: Target, rng: np.random.Generator) -> bytes:
    """Another tag: one of the object's own, or any."""
    head, *_ = _one(target, rng)
    other, *_ = _one(target, rng)
    return _put(target.content, head, target.content[other : other + 4] if rng.random() < 0.5 else rng.bytes(4))


def repeat(target: Target, rng: np.random.Generator) -> bytes:
    """An element twice."""
    head, _, end, _ = _one(target, rng)
    return target.content[:end] + target.content[head:end] + target.content[end:]


def remove(target: Target, rng: np.random.Generator) -> bytes:
    """An element less."""
    head, _, end, _ = _one(target, rng)
    return target.content[:head] + target.content[end:]


def move(target: Target, rng: np.random.Generator) -> bytes:
    """An element somewhere else."""
    head, _, end, _ = _one(target, rng)
    piece, rest = target.content[head:end], target.content[:head] + target.content[end:]
    at = min(_one(target, rng)[0], len(rest))
    return rest[:at] + piece + rest[at:]


def revalue(target: Target, rng: np.random.Generator) -> bytes:
    """Another value of the same length."""
    _, begin, end, _ = _one(target, rng)
    word = _VALUES[rng.integers(len(_VALUES))]
    return _put(target.content, begin, (word * (-(-(end - begin) // len(word))))[: end - begin])


def noise(target: Target, rng: np.random.Generator) -> bytes:
    """A run of random bytes, zeros or ones written over or put in."""
    at, length = int(rng.integers(132, len(target.content))), int(rng.integers(1, 257))
    run = (rng.bytes(length), bytes(length), b"\xff" * length)[rng.integers(3)]
    return _put(target.content, at, run) if rng.random() < 0.5 else target.content[:at] + run + target.content[at:]


def splice(target: Target, rng: np.random.Generator) -> bytes:
    """The head of one object and the tail of another."""
    other = target.others[rng.integers(len(target.others))]
    return target.content[: rng.integers(132, len(target.content))] + other[rng.integers(132, len(other)) :]


def resyntax(target: Target, rng: np.random.Generator) -> bytes:
    """Another transfer syntax in the head, as long as it was."""
    at = target.content.index(b"\x02\0\x10\0UI") + 8
    length = struct.unpack_from("<H", target.content, at - 2)[0]
    fitting = [syntax for syntax in _SYNTAXES if len(syntax) == length] or [_SYNTAXES[0][:length].ljust(length, b"\0")]
    return _put(target.content, at, fitting[rng.integers(len(fitting))])


def stir(target: Target, rng: np.random.Generator) -> bytes:
    """Two to six of the others, one after the other."""
    content = target.content
    for _ in range(rng.integers(2, 7)):
        content = (
            (flip, revalue, noise)[rng.integers(3)](Target(content, target.elements, target.others), rng) if len(content) > 200 else content
        )
    return content


MUTATIONS: dict[str, Mutation] = {
    "bits flipped": flip,
    "cut short": truncate,
    "a false length": lie,
    "another VR": swap_vr,
    "another tag": retag,
    "an element twice": repeat,
    "an element less": remove,
    "an element moved": move,
    "another value": revalue,
    "noise": noise,
    "two objects spliced": splice,
    "another transfer syntax": resyntax,
    "several at once": stir,
}
