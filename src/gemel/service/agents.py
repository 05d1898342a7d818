"""An MCP server over one service: what an assistant may look at, under the token's rights and in the service's audit."""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError

from gemel import __version__
from gemel.core.errors import GemelError
from gemel.service.client import Client

INSTRUCTIONS = (
    "Digital twins made from medical images. Research software, not a medical device: forecasts carry 90 % intervals, quote them with "
    "every number; a person decides. Tainted results rest on withdrawn data and must not be used."
)
Tool = Callable[..., Any]


def server(client: Client, *, write: bool = False) -> MCPServer:
    """Tools to look at twins; `write` adds those that compute. Nothing here gives a plan or withdraws an entry: that is a person's act."""
    made = MCPServer("gemel", instructions=INSTRUCTIONS, version=__version__, log_level="WARNING")  # no log of whom it looked at
    for tool in (*looking(client), *(computing(client) if write else ())):
        made.add_tool(telling(tool))
    return made


def telling(tool: Tool) -> Tool:
    """The tool, whose errors reach the assistant in words."""

    @wraps(tool)
    def told(*args: Any, **named: Any) -> Any:
        try:
            return tool(*args, **named)
        except GemelError as error:
            raise ToolError(str(error)) from error

    return told


def looking(client: Client) -> Sequence[Tool]:
    """The tools that read."""

    def list_twins(system: str = "", q: str = "") -> list[dict[str, Any]]:
        """Twins that may be seen: id, system, badge (model, shadow or twin), version, last scan, alarms. Filter by system or by text."""
        return [dict(row) for row in client.twins(system, q)]

    def show_twin(twin_id: str, as_of: str = "") -> dict[str, Any]:
        """What a twin believes now, or did at `as_of` (ISO 8601): badge, expectation, what was given, notes, whether it is tainted."""
        return dict(client.twin(twin_id, as_of=as_of))

    def show_forecast(twin_id: str) -> dict[str, Any]:
        """What the next scan should show: median and 90 % interval of each component, and when."""
        found = client.twin(twin_id)
        return {name: found.get(name) for name in ("id", "at", "badge", "tainted", "next_at", "expected", "notes")}

    def compare_plans(twin_id: str) -> dict[str, Any]:
        """The newest decision: every plan with its utility, the probability that each limit is met, what is recommended and why."""
        return dict(client.decision(twin_id) or {"decision": "none yet"})

    def history(twin_id: str) -> dict[str, Any]:
        """What happened to a twin, in words; entries that no longer count are marked."""
        return dict(client.events(twin_id))

    def calibration(by: str = "model") -> dict[str, Any]:
        """How forecasts stood up against what came: coverage of 90 % intervals, CRPS, alarms, whether a model may decide."""
        return dict(client.ledger(by))

    return (list_twins, show_twin, show_forecast, compare_plans, history, calibration)


def computing(client: Client) -> Sequence[Tool]:
    """The tools that make the service compute: they add to the record, in the name of the token's owner."""

    def decide(twin_id: str) -> dict[str, Any]:
        """Judges every plan on the newest scan and records the recommendation; may take minutes."""
        client.wait(client.decide(twin_id))
        return dict(client.decision(twin_id))

    def recompute(twin_id: str) -> dict[str, Any]:
        """Computes again what rested on withdrawn entries."""
        return dict(client.wait(client.do(twin_id, "recompute")).result or {})

    return (decide, recompute)
