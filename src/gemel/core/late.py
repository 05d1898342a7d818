"""Packages whose names are loaded when they are asked for (PEP 562), so that who needs one reader does not load all of them.

What such a package offers stands once, in its stub `__init__.pyi` (PEP 484), which type checkers read as well.
"""

import ast
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any


class Late(ModuleType):
    """A package that offers names by the module that each is in. Where a function and its module share a name, the function is offered."""

    offered: dict[str, str]

    def __getattr__(self, name: str) -> Any:
        """What is asked for the first time. Raises AttributeError for what is not offered."""
        if name not in self.offered:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        found = getattr(import_module(self.offered[name]), name)
        setattr(self, name, found)
        return found

    def __setattr__(self, name: str, value: object) -> None:
        """The import system names each module that it loads in its package: here never in place of what is offered."""
        if not (isinstance(value, ModuleType) and name in self.offered):
            super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        """Names that are there, and those that would be loaded."""
        return sorted({*super().__dir__(), *self.offered})


def late(package: str) -> list[str]:
    """Makes a package late, and returns what it offers: its `__all__`. To be called from its `__init__`."""
    module = sys.modules[package]
    offered = listed(Path(str(module.__file__)).with_suffix(".pyi").read_text(encoding="utf-8"))
    module.__dict__["offered"] = offered
    module.__class__ = Late
    return sorted(offered)


def listed(stub: str) -> dict[str, str]:
    """The module of each name that a stub imports."""
    found = (node for node in ast.parse(stub).body if isinstance(node, ast.ImportFrom))
    return {name.asname or name.name: str(node.module) for node in found for name in node.names}
