"""Bodies of STOW, and addresses of what they bring."""

from collections.abc import Iterable

BOUNDARY = "part"
HEADERS = {"Content-Type": f'multipart/related; type="application/dicom"; boundary={BOUNDARY}'}
STUDIES = "/dicom-web/studies"


def body(contents: Iterable[bytes]) -> bytes:
    """A multipart body of DICOM files."""
    parts = [f"--{BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n".encode() + content + b"\r\n" for content in contents]
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def address(number: int = 0, series: int = 1, study: int = 1) -> str:
    """Of a slice of `slices.ct_slice`, or, without a number, of its series."""
    of_series = f"{STUDIES}/1.2.826.0.1.{study}/series/1.2.826.0.1.{study}.{series}"
    return f"{of_series}/instances/1.2.826.0.1.{study}.{series}.{number}" if number else of_series
