"""A network made here finds what it was made to find; its result is of one type with that of a command and of the built-in start."""

import builtins
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gemel.core.errors import GeometryError, InputError, StructureError
from gemel.core.image import Image
from gemel.core.visit import Segmented
from gemel.io.segmenter_onnx import segment_by_onnx

onnx = pytest.importorskip("onnx", reason="onnx is not installed: pip install onnx onnxruntime")
pytest.importorskip("onnxruntime", reason="onnxruntime is not installed: pip install gemel[onnx]")

SHAPE, LEVEL = (8, 7, 6), 5.0
NAMES = {1: "tumour"}


def image(array: np.ndarray) -> Image:
    return Image(array.astype(np.float32), np.diag([2.0, 2.0, 3.0, 1.0]), "1.2.3")


def bright(rng: np.random.Generator) -> np.ndarray:
    array = rng.normal(0, 1, SHAPE)
    array[2:5, 2:5, 2:4] += 10.0
    return array


def network(path: Path, *, channels: int = 1, output: str = "scores", names: int = 1) -> Path:
    """Scores (0, Σ w·channel − LEVEL) by one 1 × 1 × 1 convolution, so that class 1 is where the first channel is above LEVEL."""
    helper, kinds = onnx.helper, onnx.TensorProto
    weight = np.zeros((2, channels, 1, 1, 1), np.float32)
    weight[1, 0] = 1.0
    made = [
        helper.make_tensor("w", kinds.FLOAT, weight.shape, weight.ravel()),
        helper.make_tensor("b", kinds.FLOAT, (2,), [0.0, -LEVEL]),
    ]
    nodes = [helper.make_node("Conv", ["x", "w", "b"], ["scores"])]
    if output == "labels":
        nodes.append(helper.make_node("ArgMax", ["scores"], ["labels"], axis=1, keepdims=0))
    if output == "mean":
        nodes.append(helper.make_node("GlobalAveragePool", ["scores"], ["mean"]))
    kind = kinds.INT64 if output == "labels" else kinds.FLOAT
    inputs = [helper.make_tensor_value_info(f"x{k}" if k else "x", kinds.FLOAT, ("n", channels, "i", "j", "k")) for k in range(names)]
    graph = helper.make_graph(nodes, "threshold", inputs, [helper.make_tensor_value_info(output, kind, None)], made)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    return path


@pytest.mark.parametrize("output", ["scores", "labels"])
def test_a_network_finds_what_it_was_made_for(output: str, tmp_path: Path) -> None:
    array = bright(np.random.default_rng(0))
    found = segment_by_onnx(network(tmp_path / "net.onnx", output=output), [image(array)], NAMES, acquired_s=86400.0)
    assert isinstance(found, Segmented)
    np.testing.assert_array_equal(found.structures["tumour"], array.astype(np.float32) > LEVEL)
    assert found.structures["tumour"].sum() == 18
    assert (found.acquired_s, found.structures.grid.frame) == (86400.0, "1.2.3")
    assert found.source.startswith("net.onnx#")


def test_channels_are_taken_in_their_order(tmp_path: Path) -> None:
    array, other = bright(np.random.default_rng(1)), np.full(SHAPE, 50.0)
    made = network(tmp_path / "net.onnx", channels=2)
    found = segment_by_onnx(made, [image(array), image(other)], NAMES, acquired_s=0.0)
    assert found.structures["tumour"].sum() == 18
    assert segment_by_onnx(made, [image(other), image(array)], NAMES, acquired_s=0.0).structures["tumour"].all()


def test_what_cannot_be_used_is_refused(tmp_path: Path) -> None:
    one = image(bright(np.random.default_rng(2)))
    made = network(tmp_path / "net.onnx")
    (tmp_path / "broken.onnx").write_bytes(made.read_bytes()[:40])
    cases: list[tuple[Path, list[Image], dict[int, str], type[Exception], str]] = [
        (tmp_path / "none.onnx", [one], NAMES, InputError, "no such file"),
        (tmp_path / "broken.onnx", [one], NAMES, InputError, "cannot be run"),
        (made, [], NAMES, InputError, "no image"),
        (made, [one, one], NAMES, InputError, "cannot be run"),
        (made, [one, image(np.zeros((3, 3, 3)))], NAMES, GeometryError, "two grids"),
        (made, [one], {2: "tumour"}, StructureError, "label 1 without a name"),
        (network(tmp_path / "mean.onnx", output="mean"), [one], NAMES, GeometryError, "a result of shape"),
        (network(tmp_path / "two.onnx", names=2), [one], NAMES, InputError, "2 inputs"),
    ]
    for path, images, names, error, words in cases:
        with pytest.raises(error, match=words) as found:
            segment_by_onnx(path, images, names, acquired_s=0.0)
        assert found.value.remedy  # type: ignore[attr-defined]


def test_without_the_runtime_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "onnxruntime":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(InputError, match="no onnxruntime") as found:
        segment_by_onnx(network(tmp_path / "net.onnx"), [image(np.zeros(SHAPE))], NAMES, acquired_s=0.0)
    assert "gemel[onnx]" in found.value.remedy
