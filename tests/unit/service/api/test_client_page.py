"""docs/client.md: its Python is run, as it stands, against a service; its table of tools is the assistant's."""

import functools
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from gemel.service import client as module
from gemel.service.security import tokens
from tests.unit.service.entered import HERE

PAGE = (Path(__file__).resolve().parents[4] / "docs" / "client.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def passed_on(within: TestClient, asked: httpx.Request) -> httpx.Response:
    """A request answered by an application in this process."""
    reply = within.request(asked.method, asked.url.raw_path.decode(), content=asked.read(), headers=dict(asked.headers))
    return httpx.Response(reply.status_code, headers=dict(reply.headers), content=reply.content)


def test_every_block_of_the_page_runs(
    client: TestClient, app: FastAPI, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    scopes = ["twins:read", "images:read", "twins:write", "twins:decide"]
    monkeypatch.setenv("GEMEL_TOKEN", tokens.make(app.state.service.guard, "ada", scopes)[0])
    reached = functools.partial(module.Client, transport=httpx.MockTransport(functools.partial(passed_on, TestClient(app, base_url=HERE))))
    monkeypatch.setattr(module, "Client", lambda url, **told: reached(HERE, **told))
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for block in BLOCKS:
        exec(compile(block, "docs/client.md", "exec"), names)
    told = capsys.readouterr().out
    assert names["done"].state == "done"
    assert names["done"].result["version"] == names["twin"]["version"] + 1
    assert names["decision"]["recommended"] in told
    assert "90 %" in told
    assert [path.name for path in tmp_path.glob("*.nii.gz")] != []


def test_the_page_names_every_tool() -> None:
    agents = pytest.importorskip("gemel.service.agents", reason="the extra `agents` is not installed")
    held = module.Client(HERE, token="none")
    made = {tool.__name__ for tool in (*agents.looking(held), *agents.computing(held))}
    assert set(re.findall(r"`(\w+)`", "\n".join(re.findall(r"^\| (`.*?) \|", PAGE, re.MULTILINE)))) == made
