"""What a twin is: image geometry, time, units, record, belief, model, twin, decision, errors. NumPy only."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gemel.core.image import Image

__all__ = ["Image"]


def __getattr__(name: str) -> Any:
    """Loaded when it is asked for: who needs the errors alone does not pay for NumPy."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("gemel.core.image"), name)
