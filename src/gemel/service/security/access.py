"""The one gate: every route names what it needs; nothing is answered without it, and every read of a patient is written down first."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from fastapi import Depends, FastAPI, Request
from fastapi.routing import APIRoute

from gemel.core.errors import ConformanceError

PUBLIC = "public"


@dataclass(frozen=True)
class Caller:
    """Who asks: name, roles, scopes of the token (empty: a person's session), purpose of use."""

    name: str
    roles: tuple[str, ...]
    scopes: tuple[str, ...] = ()
    purpose: str = ""
    sees: Callable[[str], bool] = field(default=lambda subject: False, repr=False)


def needs(action: str, patient: str = "") -> Any:
    """The dependency of a route that needs a permission; `patient` names the path parameter that tells whose data it gives.

    A list over many patients names none: its handler keeps what `caller.sees(twin id)`.
    """

    def gate(request: Request) -> Caller:
        raise NotImplementedError(action, patient)

    gate.action = action  # type: ignore[attr-defined]
    gate.patient = patient  # type: ignore[attr-defined]
    return Depends(gate)


def require_guarded(app: FastAPI) -> None:
    """Raises ConformanceError when a route names nothing that it needs: no route can be forgotten."""
    for route in app.routes:
        if isinstance(route, APIRoute) and not any(hasattr(d.call, "action") for d in route.dependant.dependencies):
            raise ConformanceError("a route without a need", where=route.path, remedy="give it `Depends(needs(...))`, or needs(PUBLIC)")
