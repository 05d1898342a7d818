"""The DICOM node: what it receives (`front`, `scp`), what it asks of others, and what follows from an arrival.

Loaded when it is asked for: a receiving process needs the least of it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gemel.service.node.front import Node, start

__all__ = ["Node", "start"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("gemel.service.node.front"), name)
