"""Objects sent to a service, what it answered, and what reading back those that it kept gave."""

import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

BOUNDARY = "gemel-hostile"
ALL = ("/metadata", "/frames/1", "/rendered", "/thumbnail")
HEADERS = {"Content-Type": f'multipart/related; type="application/dicom"; boundary={BOUNDARY}'}


@dataclass
class Row:
    """One class: how many were sent, and became what; slowest request, by the clock and in processor time; answers of 5xx, to anything."""

    name: str
    sent: int = 0
    kept: int = 0
    refused: int = 0
    quarantined: int = 0
    slowest_s: float = 0.0
    slowest_cpu_s: float = 0.0
    failures: list[str] = field(default_factory=list)
    words: str = ""

    def line(self) -> str:
        """The row of a table in Markdown."""
        parts = [
            f"{count} {name}"
            for name, count in (("refused", self.refused), ("kept", self.kept), ("quarantined", self.quarantined))
            if count
        ]
        outcome = ", ".join(parts) + (f"; {len(self.failures)} x 5xx" if self.failures else "")
        return f"| {self.name} | {self.sent} | {outcome} | {self.slowest_s:.2f} | {self.slowest_cpu_s:.2f} | {self.words} |"


def body(contents: Iterable[bytes]) -> bytes:
    """A multipart body."""
    parts = [f"--{BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n".encode() + content + b"\r\n" for content in contents]
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


@dataclass(frozen=True)
class Timed:
    """A client of one service, whose processor time can be read."""

    client: httpx.Client
    pid: int

    def ask(self, row: Row, method: str, address: str, **how: Any) -> httpx.Response:
        """One request, timed."""
        begun, used_s = time.perf_counter(), cpu_s(self.pid)
        answer = self.client.request(method, address, **how)
        row.slowest_s = max(row.slowest_s, time.perf_counter() - begun)
        row.slowest_cpu_s = max(row.slowest_cpu_s, cpu_s(self.pid) - used_s)
        return answer


def cpu_s(pid: int) -> float:
    """Processor time of a process and of its children that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def send(timed: Timed, contents: Sequence[bytes], row: Row) -> list[str]:
    """Stores objects; the addresses of those that are kept."""
    answer = timed.ask(row, "POST", "/dicom-web/studies", content=body(contents), headers=HEADERS)
    row.sent += len(contents)
    if answer.status_code not in (200, 202, 409):
        row.failures.append(f"POST {answer.status_code} {answer.text[:200]}")
        return []
    found = answer.json()
    kept = found.get("00081199", {}).get("Value", [])
    failed = [*found.get("00081198", {}).get("Value", []), *found.get("0008119A", {}).get("Value", [])]
    again = [item for item in failed if item["00081197"]["Value"] == [0x0111]]
    row.kept += len(kept)
    row.quarantined += len(again)
    row.refused += len(failed) - len(again)
    row.words = failed[0]["00000902"]["Value"][0].split(";")[0][:90].replace("|", "/") if failed else row.words
    return [_address(timed.client, item["00081155"]["Value"][0]) for item in kept]


def _address(client: httpx.Client, uid: str) -> str:
    rows = client.get("/dicom-web/instances", params={"SOPInstanceUID": uid}).json()
    return "/dicom-web/" + rows[0]["00081190"]["Value"][0].split("/dicom-web/")[1] if rows else ""


def read(timed: Timed, address: str, row: Row, kinds: Sequence[str] = ALL) -> None:
    """Reads a kept object back in every way; what is refused is refused in words."""
    for kind in kinds:
        answer = timed.ask(row, "GET", address + kind)
        in_words = answer.status_code < 400 or answer.json().get("title")
        if answer.status_code >= 500 or not in_words:
            row.failures.append(f"GET {kind} {answer.status_code} {answer.text[:200]}")


def volume_of(address: str) -> str:
    """The volume of the series that an instance belongs to."""
    return address.split("/instances/")[0] + "/volume.nii.gz"
