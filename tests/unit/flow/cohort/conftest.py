"""The toy as an installed plug-in, that workers in other processes find too."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gemel.flow.cohort import Trial, run

TOY = "tests.unit.flow.cohort.toy"
POINTS = {"toy": f"{TOY}:SYSTEM", "toy-infinite": f"{TOY}:INFINITE", "toy-no-exam": f"{TOY}:NO_EXAM", "toy-broken": "broken_toy:SYSTEM"}


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder on the path with the entry points of a distribution."""
    folder = tmp_path_factory.mktemp("site")
    held = folder / "toys-1.0.dist-info"
    held.mkdir()
    (held / "METADATA").write_text("Metadata-Version: 2.1\nName: toys\nVersion: 1.0\n")
    points = "\n".join(f"{name} = {what}" for name, what in POINTS.items())
    (folder / "broken_toy.py").write_text("SYSTEM = 1 / 0\n")
    (held / "entry_points.txt").write_text(f"[gemel.systems]\n{points}\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        yield folder


@pytest.fixture(scope="session")
def finished(installed: Path) -> Trial:
    """A trial of the toy with five arms."""
    own = "own=tests.unit.flow.cohort.toy:half_the_mean"
    return run("toy", patients=60, arms=["twin", "prior", "fixed", "plan-1", own], draws=200, seed=3, executor="serial")
