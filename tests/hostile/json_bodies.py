"""Bodies of JSON, NDJSON and form data that parsers stumble over, for every route of the description that takes a body."""

from collections.abc import Iterator
from dataclasses import dataclass

DEEP = 100_000


@dataclass(frozen=True)
class Body:
    """One body, and what it is."""

    name: str
    content: bytes


def bodies() -> Iterator[Body]:
    """All of them; none is over a MiB, so that what refuses them is the parser and not the bound."""
    yield Body("a list 100,000 deep", b"[" * DEEP)
    yield Body("a closed list 100,000 deep", b"[" * DEEP + b"]" * DEEP)
    yield Body("an object 100,000 deep", b'{"a":' * DEEP)
    yield Body("an object 50,000 deep in a known field", b'{"files":' + b'{"a":' * (DEEP // 2) + b"1" + b"}" * (DEEP // 2) + b"}")
    yield Body("a number of 100,000 digits", b'{"k": ' + b"9" * DEEP + b"}")
    yield Body("a number of 100,000 digits behind the point", b'{"t_s": 0.' + b"9" * DEEP + b"}")
    yield Body("an exponent of 9 digits", b'{"t_s": 1e999999999}')
    yield Body("NaN and Infinity", b'{"t_s": NaN, "days": Infinity, "k": -Infinity}')
    yield Body("a key twice", b'{"system": "a", "system": {"b": 1}, "reason": "x", "reason": null}')
    yield Body("50,000 keys", b"{" + b",".join(b'"k%d": 1' % n for n in range(50_000)) + b"}")
    yield Body("a lone surrogate", b'{"reason": "\\ud800", "system": "\\udfff", "name": "\\ud800", "resourceType": "\\udc00"}')
    yield Body("a NUL in a text", b'{"reason": "a\\u0000b", "system": "a\\u0000b", "name": "\\u0000", "resourceType": "Patient\\u0000"}')
    yield Body("a proto key", b'{"__proto__": {"admin": true}, "__class__": "x", "constructor": 1}')
    yield Body("bytes that are no UTF-8", b'{"reason": "\xff\xfe\xc0\xaf"}')
    yield Body("UTF-16", '{"reason": "x"}'.encode("utf-16"))
    yield Body("UTF-32 without a mark", '{"reason": "x"}'.encode("utf-32-be"))
    yield Body("a mark before it", b'\xef\xbb\xbf{"reason": "x"}')
    yield Body("a text of 900,000 letters", b'"' + b"a" * 900_000 + b'"')
    yield Body("escapes without end", b'{"reason": "' + b"\\u0041" * 100_000 + b'"}')
    yield Body("a list of 300,000 numbers", b"[" + b"1," * 299_999 + b"1]")
    yield Body("a bare number", b"1")
    yield Body("null", b"null")
    yield Body("nothing", b"")
    yield Body("half of it", b'{"reason": "x", "k":')
    yield Body("two of it", b'{"reason": "x"}{"reason": "y"}')
    yield Body("a comment", b'{"reason": "x" /* y */}')
    yield Body(
        "a bundle that contains itself", b'{"resourceType":"Bundle","type":"batch","entry":[{"resource":' * 900 + b"null" + b"}]}" * 900
    )
    yield Body("a patient of 20,000 extensions", _patient(20_000))
    yield Body("XML with an entity", b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>')
    yield Body("lines of JSON that are none", b'{"resourceType":"Patient"}\n' * 3000 + b"{")


def _patient(number: int) -> bytes:
    extension = b'{"url":"http://x","valueString":"y"}'
    return b'{"resourceType":"Patient","id":"x","extension":[' + b",".join([extension] * number) + b"]}"


KINDS = ("application/json", "application/fhir+json", "application/fhir+ndjson", "application/dicom+json")
