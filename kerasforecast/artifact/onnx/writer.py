"""An ONNX file of a model: its network, and in the metadata the manifest of the `.keras` file that it was made from."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any

import numpy as np

from kerasforecast.artifact.implied import network_inputs
from kerasforecast.artifact.manifest import Manifest
from kerasforecast.artifact.onnx.graph import converted
from kerasforecast.artifact.onnx.packing import MANIFEST, packed
from kerasforecast.artifact.onnx.tensors import Tensor
from kerasforecast.errors import ArtifactError, shown
from kerasforecast.models.member import answer_shape
from kerasforecast.runtime.extras import not_installed

OPSET, IR_VERSION = 17, 8  # the first with LayerNormalization, what ONNX Runtime reads from 1.14 on
OUTPUT = "forecast"


def onnx_bytes(manifest: Manifest, graph: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> bytes:
    """The content of an ONNX file.

    Args:
        manifest: Of the model.
        graph: Its network, as `kerasforecast.artifact.reader.read_network` gives it.
        arrays: Its weights by path, likewise.

    Raises:
        ArtifactError: The network has a part that is not written in ONNX's operations yet.
        OptionError: The extra is not installed.
    """
    onnx = onnx_package()
    helper = onnx.helper
    shapes = network_inputs(manifest)
    nodes, answer = converted(graph, arrays, {name: Tensor(name, (None, *shape)) for name, shape in shapes.items()})
    last = helper.make_node("Identity", [answer.name], [OUTPUT], name=OUTPUT)
    values = {name: helper.make_tensor_value_info(name, 1, ["batch", *shape]) for name, shape in shapes.items()}
    whole = helper.make_graph(
        [*nodes.nodes, last],
        "kerasforecast",
        list(values.values()),
        [helper.make_tensor_value_info(OUTPUT, 1, ["batch", *answer_shape(manifest.members)])],
        [onnx.numpy_helper.from_array(array, name) for name, array in nodes.constants.items()],
    )
    model = helper.make_model(
        whole, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="kerasforecast"
    )
    helper.set_model_props(model, {MANIFEST: packed(manifest.model_dump_json())})
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ArtifactError(
            f"{manifest.name}: its network as ONNX must pass ONNX' own checks. Received: {shown(str(error), 200)}."
        ) from None
    written: bytes = model.SerializeToString(deterministic=True)
    return written


def onnx_package() -> ModuleType:
    """The package `onnx`.

    Raises:
        OptionError: It is not installed.
    """
    try:
        import onnx
    except ModuleNotFoundError:
        raise not_installed("ONNX files are written by the package onnx", "onnx") from None
    return onnx
