from pathlib import Path

import pytest

from gemel import flow
from gemel.core.errors import InputError
from gemel.flow.registry import systems


def test_every_demo_belongs_to_an_installed_system():
    assert {"prostate", "theranostics"} <= set(flow.demos()) <= set(systems())


def test_a_system_without_a_demo_and_an_option_of_another_are_refused_with_what_there_is(tmp_path: Path):
    with pytest.raises(InputError, match=r"'heart'.*\n*.*prostate.*theranostics"):
        flow.demo("heart", tmp_path / "out", made_s=0.0)
    with pytest.raises(InputError, match=r"'cycles'.*\n*.*days, plans"):
        flow.demo("prostate", tmp_path / "out", made_s=0.0, options={"cycles": 2})
    with pytest.raises(InputError, match=r"days = 2.5.*\n*.*whole number"):
        flow.demo("prostate", tmp_path / "out", made_s=0.0, options={"days": 2.5})
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("system", flow.demos())
def test_a_folder_with_other_things_is_left_alone(tmp_path: Path, system: str):
    (tmp_path / "thesis.txt").write_text("all of it")
    with pytest.raises(InputError, match="holds other things"):
        flow.demo(system, tmp_path, made_s=0.0)
    assert (tmp_path / "thesis.txt").read_text() == "all of it"
