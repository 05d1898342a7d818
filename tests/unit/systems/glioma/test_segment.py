"""The built-in start finds a made tumour; another program's result is read as any other; both refuse what cannot be used."""

import sys
from pathlib import Path

import numpy as np
import pytest

from gemel import io
from gemel.core.errors import GeometryError, InputError, RangeError, StructureError
from gemel.core.image import Image
from gemel.core.structures import dice
from gemel.engines.k_means import k_means
from gemel.io.segmenter import segment_by_command
from gemel.systems.glioma.names import volumes
from gemel.systems.glioma.segment import segmented

N, H = 40, 2.0


def ball(radius, at=(20, 20, 20)):
    x = np.indices((N, N, N))
    return sum((x[k] - at[k]) ** 2 for k in range(3)) < radius**2


@pytest.fixture(scope="module")
def made():
    """A brain with a ring that enhances around a core, oedema, and noise; a vessel enhances elsewhere."""
    rng, brain = np.random.default_rng(0), ball(18)
    ring, core, oedema = ball(7) & ~ball(3), ball(3), ball(11)
    rise = 100.0 * ring + 100.0 * ball(1.5, (28, 28, 20)) + rng.normal(0, 8, brain.shape)
    flair = 60.0 * oedema + 5 * ball(9, (12, 20, 20)) + rng.normal(0, 6, brain.shape)
    return brain, image(rise), image(flair), {"enhancing": ring | core, "flair": oedema}


def image(array):
    return Image(np.asarray(array, dtype=np.float32), np.diag([H, H, H, 1.0]))


def test_a_made_tumour_is_found(made) -> None:
    brain, rise, flair, truth = made
    found = volumes(segmented(rise, flair, brain, acquired_s=0.0, source="made").structures)
    assert dice(found["enhancing"], truth["enhancing"]) > 0.95
    assert dice(found["flair"], truth["flair"]) > 0.95


def test_a_brain_without_a_tumour_is_refused(made) -> None:
    brain, _, flair, _ = made
    noise = image(np.random.default_rng(1).normal(0, 8, brain.shape))
    with pytest.raises(StructureError, match="stands out"):
        segmented(noise, flair, brain, acquired_s=0.0, source="made")
    with pytest.raises(GeometryError):
        segmented(noise, flair, brain[:-1], acquired_s=0.0, source="made")


def test_classes_are_those_of_separate_groups() -> None:
    values = np.concatenate([np.full(50, 1.0), np.full(30, 5.0), np.full(20, 9.0)]) + np.random.default_rng(0).normal(0, 0.1, 100)
    labels, centres = k_means(values.reshape(1, 100, 1, 1), np.ones((100, 1, 1), dtype=bool), 3)
    assert np.bincount(labels.ravel()).tolist() == [0, 50, 30, 20]
    np.testing.assert_allclose(centres[:, 0], [1, 5, 9], atol=0.1)
    with pytest.raises(RangeError):
        k_means(np.ones((1, 9, 1, 1)), np.ones((9, 1, 1), dtype=bool), 2)
    with pytest.raises(RangeError):
        k_means(np.full((1, 9, 1, 1), np.nan), np.ones((9, 1, 1), dtype=bool), 2)


PROGRAM = """
import json, pathlib, shutil, sys
source, out = map(pathlib.Path, sys.argv[-2:])
shutil.copy(source, out)
told = {'AcquisitionDateTime': '2026-03-02', 'labels': {'1': 'ET'}}
out.with_name(out.name.removesuffix('.nii.gz') + '.json').write_text(json.dumps(told))
"""


def test_another_program_is_run_and_its_result_read(tmp_path: Path) -> None:
    io.write_nifti(tmp_path / "image.nii.gz", image(ball(5)))
    command = [sys.executable, "-c", PROGRAM]
    found = segment_by_command(command, [tmp_path / "image.nii.gz"], tmp_path / "out.nii.gz")
    assert found.structures["ET"].sum() == ball(5).sum()
    with pytest.raises(InputError, match="already"):
        segment_by_command(command, [], tmp_path / "out.nii.gz")


FAILING = [
    (["no-such-segmenter"], "cannot be run"),
    ([sys.executable, "-c", "raise SystemExit('no licence')"], "no licence"),
    ([sys.executable, "-c", ""], "failed"),
]


@pytest.mark.parametrize(("command", "match"), FAILING)
def test_a_program_that_gives_nothing_is_refused(command, match, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=match) as told:
        segment_by_command(command, [], tmp_path / "out.nii.gz")
    assert told.value.remedy


def test_a_program_that_does_not_end_is_stopped(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no result after"):
        segment_by_command([sys.executable, "-c", "import time; time.sleep(60)"], [], tmp_path / "out.nii.gz", most_s=0.5)
