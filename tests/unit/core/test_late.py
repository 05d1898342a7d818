"""Packages whose names are loaded when they are asked for."""

import subprocess
import sys
from importlib import import_module

import pytest

from gemel import flow, io
from gemel.core.late import listed


@pytest.mark.parametrize("package", ["gemel.io", "gemel.flow", "gemel.service.api"])
def test_a_package_offers_what_its_stub_lists_and_all_of_it_is_there(package: str) -> None:
    module = import_module(package)
    assert module.__all__
    for name in module.__all__:
        found = getattr(module, name)
        assert name in dir(module)
        assert not hasattr(found, "__path__"), f"{name} is a package"
        assert type(found).__name__ != "module", f"{name} is the module of its name, not what is offered"


def test_a_verb_stays_a_verb_when_the_module_of_its_name_is_loaded_first() -> None:
    code = "import gemel.flow.act, gemel.io.deidentify; from gemel import flow, io; assert callable(flow.act) and callable(io.deidentify)"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert callable(flow.act)
    with pytest.raises(AttributeError, match=r"module 'gemel.io' has no attribute 'read_minds'"):
        _ = io.read_minds  # type: ignore[attr-defined]


def test_a_stub_is_read_without_being_run() -> None:
    assert listed("from a.b import c\nfrom a.d import e as f\n__all__ = ['c', 'f']\n") == {"c": "a.b", "f": "a.d"}
