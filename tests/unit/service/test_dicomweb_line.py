"""Who waits for what takes long holds a thread: a crowd of them leaves threads for everybody else."""

import asyncio
import subprocess
from collections import Counter
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import pydicom
import pytest
from fastapi import FastAPI

from gemel.service.app import create_app
from gemel.service.dicomweb import decoder, volume
from gemel.service.jobs.running import LAID_OUT
from gemel.service.security import links, tokens
from gemel.service.settings import Settings
from tests.unit.service.entered import HERE
from tests.unit.service.slices import ct_file
from tests.unit.service.stowed import STUDIES, address

CROWD, JPEG = 60, Path(pydicom.__file__).parent / "data" / "test_files" / "JPEG2000.dcm"


def picture_of(path: Path) -> str:
    """Address of the picture of a file's object."""
    told = pydicom.dcmread(path, stop_before_pixels=True)
    return f"{STUDIES}/{told.StudyInstanceUID}/series/{told.SeriesInstanceUID}/instances/{told.SOPInstanceUID}/rendered"


async def crowded(app: FastAPI, path: str, let: Event) -> tuple[int, Counter[int]]:
    """Status of another's request while a crowd waits for one address, and what the crowd is told."""
    async with app.router.lifespan_context(app):
        service = app.state.service
        service.archive.put_many([ct_file(1), ct_file(2), JPEG.read_bytes()], source="test")
        told = tokens.make(service.guard, links.single_user(service.guard, "ada"), ["images:read", "persons:read"])[0]
        headers = {"Authorization": f"Bearer {told}", "Accept": "*/*"}
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=HERE, headers=headers) as client:
            crowd = [asyncio.ensure_future(client.get(path)) for _ in range(CROWD)]
            try:
                await asyncio.wait(crowd, timeout=0.4)
                other = await asyncio.wait_for(client.get("/api/session"), 2.0)
            finally:
                let.set()
            return other.status_code, Counter(one.status_code for one in await asyncio.gather(*crowd))


@pytest.mark.parametrize("path", [f"{address()}/volume.nii.gz", picture_of(JPEG)], ids=["volume", "picture"])
def test_a_crowd_leaves_threads_for_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    let, within = Event(), set[str]()

    def stuck(*asked: Any, **how: Any) -> Any:
        within.update(top for top in (".", LAID_OUT) if any((tmp_path / "service" / top).glob("volume-*")))
        let.wait(10.0)
        raise subprocess.TimeoutExpired("reader", 0.0) if "timeout" in how else EOFError("it took too long")

    monkeypatch.setattr(volume.subprocess, "run", stuck)
    monkeypatch.setattr(decoder.Decoder, "_running", lambda held: None)
    monkeypatch.setattr(decoder, "_answer", stuck)
    app = create_app(Settings(store=str(tmp_path / "twins.db"), folder=tmp_path / "service"))
    other, told = asyncio.run(crowded(app, path, let))
    assert other == 200
    assert set(told) == {422, 429}
    assert within <= {LAID_OUT}, "what a kill leaves is found at the next start"
    assert not list((tmp_path / "service").rglob("volume-*"))
