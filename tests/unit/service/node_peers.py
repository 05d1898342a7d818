"""Real peers on loopback for the node's tests: Orthanc, a pynetdicom receiver, and synthetic slices."""

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from pynetdicom import AE, StoragePresentationContexts, evt

from gemel import io
from gemel.core.image import Image
from gemel.service.node.commitment import PUSH_MODEL
from gemel.service.node.rules import Peer

ORTHANC = Path("/usr/sbin/Orthanc")
DICOMWEB = Path("/usr/lib/orthanc/libOrthancDicomWeb.so.1.7")
ORTHANC_UP_s = 30.0
Receiver = tuple[Peer, list[tuple[str, bytes]], list[Any]]


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def slices(folder: Path, n: int = 4, *, patient: str = "P1", seed: int = 0, acquired: str = "2026-03-03T09:00:00") -> list[Path]:
    """n CT slices of 16 × 16 of one series."""
    array = np.random.default_rng(seed).integers(-1000, 1000, (16, 16, n)).astype(np.float32)
    io.write_image(folder, Image(array, np.diag([2.0, 2.0, 3.0, 1.0])), io.Identity(patient, patient_name="TEST^ONE"), acquired=acquired)
    return sorted(folder.iterdir())


@contextmanager
def orthanc(folder: Path, ours: dict[str, int]) -> Iterator[tuple[Peer, str]]:
    """A running Orthanc, and its HTTP address; `ours`: titles that it knows, with their ports."""
    dicom, http = free_port(), free_port()
    everything = dict.fromkeys(("AllowEcho", "AllowFind", "AllowMove", "AllowGet", "AllowStore", "AllowStorageCommitment"), True)
    says: dict[str, Any] = {
        "Name": "peer", "StorageDirectory": str(folder / "held"), "IndexDirectory": str(folder / "held"), "DicomAet": "ORTHANC",
        "DicomPort": dicom, "HttpPort": http, "RemoteAccessAllowed": False, "AuthenticationEnabled": False, "DicomCheckModalityHost": False,
        "DicomAlwaysAllowStore": True, "DicomAlwaysAllowGet": True, "DicomAlwaysAllowFind": True, "StorageCompression": False,
        "Plugins": [str(DICOMWEB)] if DICOMWEB.exists() else [], "DicomThreadsCount": 2, "DicomScuTimeout": 5, "ConcurrentJobs": 2,
        "DicomModalities": {aet: {"AET": aet, "Host": "127.0.0.1", "Port": port, **everything} for aet, port in ours.items()},
    }  # fmt: skip
    (folder / "orthanc.json").write_text(json.dumps(says))
    environment = {**os.environ, "TCP_NODELAY": "1"}
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen([str(ORTHANC), str(folder / "orthanc.json")], stderr=log, env=environment) as peer,
    ):
        try:
            _wait_for(f"http://127.0.0.1:{http}/system", peer)
            yield Peer("ORTHANC", "127.0.0.1", dicom, name="orthanc"), f"http://127.0.0.1:{http}"
        finally:
            peer.kill()


def _wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    end_s = time.monotonic() + ORTHANC_UP_s
    while time.monotonic() < end_s and process.poll() is None:
        try:
            if httpx.get(url, timeout=1.0).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError("Orthanc does not start")


@contextmanager
def receiver(*, aet: str = "STORE", answer: int = 0, refuse: frozenset[str] = frozenset()) -> Iterator[Receiver]:
    """A storage provider: what it was sent (UID and Part 10 bytes), and the requests and reports of commitment that it was told."""
    kept: list[tuple[str, bytes]] = []
    told: list[Any] = []

    def store(event: Any) -> int:
        uid = str(event.request.AffectedSOPInstanceUID)
        if uid in refuse:
            return 0xC000
        if answer == 0:
            kept.append((uid, event.encoded_dataset()))
        return answer

    def action(event: Any) -> tuple[int, None]:
        told.append(event.action_information)
        return 0, None

    def report(event: Any) -> tuple[int, None]:
        told.append(event.event_information)
        return 0, None

    entity = AE(aet)
    for context in StoragePresentationContexts:
        entity.add_supported_context(str(context.abstract_syntax), ["1.2.840.10008.1.2.1", "1.2.840.10008.1.2"])
    entity.add_supported_context("1.2.840.10008.1.1")
    entity.add_supported_context(PUSH_MODEL, scu_role=True, scp_role=True)
    port = free_port()
    events = [(evt.EVT_C_STORE, store), (evt.EVT_N_ACTION, action), (evt.EVT_N_EVENT_REPORT, report)]
    server = entity.start_server(("127.0.0.1", port), block=False, evt_handlers=events)
    try:
        yield Peer(aet, "127.0.0.1", port, name=aet.lower()), kept, told
    finally:
        server.shutdown()
