"""The deflated transfer syntax, inflated within bounds. DICOM PS3.5 §A.5; Deutsch 1996, RFC 1951."""

import zlib

from gemel.core.errors import InputError

RATIO = 200  # bytes out per byte in; images and structures deflate to a third or a tenth
LARGEST_BYTES = 256 << 20
_CHUNK = 1 << 20


def inflated(raw: bytes | memoryview, where: str) -> bytes:
    """The bytes that were deflated. Raises InputError beyond RATIO or LARGEST_BYTES, as soon as it is passed, or when they are damaged."""
    cap = min(len(raw) * RATIO, LARGEST_BYTES)
    inflater, out, rest = zlib.decompressobj(-zlib.MAX_WBITS), bytearray(), bytes(raw)
    try:
        while rest and not inflater.eof:
            out += inflater.decompress(rest, min(_CHUNK, cap + 1 - len(out)))
            rest = inflater.unconsumed_tail
            if len(out) > cap:
                remedy = "convert it to Explicit VR Little Endian and send it again"
                raise InputError(f"{len(raw)} deflated bytes that inflate to more than {cap}", where=where, remedy=remedy)
    except zlib.error as error:
        raise InputError(f"a damaged deflated data set ({error})", where=where, remedy="transfer it again") from error
    if not inflater.eof:
        raise InputError("a deflated data set without its end", where=where, remedy="transfer it again")
    return bytes(out)
