"""What a model can be exported to, a small class each: how it is written, and its own runtime, which answers for it.

None of them is trusted: what its runtime answers is compared with Keras' answers before the file is kept
(`kerasforecast.artifact.parity`).
"""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kerasforecast.artifact.manifest import Manifest
from kerasforecast.artifact.parity import TOLERANCE
from kerasforecast.artifact.proof import Answers, golden_of
from kerasforecast.errors import OptionError
from kerasforecast.preprocessing.batch import WindowBatch
from kerasforecast.runtime.backend import absent
from kerasforecast.runtime.extras import not_installed


@dataclass(frozen=True)
class Source:
    """A model that is to be exported.

    Attributes:
        manifest: What its file says of it.
        graph: Its network as Keras writes it, the content of `config.json`.
        arrays: Its weights, by their path in the file.
        weights: The same in the order of `kerasforecast.models.network.merged_weights`.
        linear_name: What PyTorch's linear layer is to be called.
    """

    manifest: Manifest
    graph: Mapping[str, Any]
    arrays: Mapping[str, np.ndarray]
    weights: list[np.ndarray]
    linear_name: str = "linear"


class Format(ABC):
    """A format.

    Attributes:
        name: What `--to` calls it.
        suffix: Of its file; empty for a folder.
        what: It is, in a few words.
        backend: What Keras must compute with for it to be written; `None` for any.
        tolerance: How far it may be from Keras, in scaled units.
        batches: Sizes of batches that it takes, of those that are tried.
    """

    name: str
    suffix: str
    what: str
    backend: str | None = None
    tolerance: float = TOLERANCE
    batches: tuple[int, ...] = (1, 3)

    @abstractmethod
    def write(self, source: Source, path: Path) -> Answers:
        """Write it at `path`, and return what computes it from there."""


class Onnx(Format):
    """ONNX, of the file's own operations: `kerasforecast.artifact.onnx`."""

    name = "onnx"
    suffix = ".onnx"
    what = "ONNX, with the manifest, for ONNX Runtime and this package"

    def write(self, source: Source, path: Path) -> Answers:
        """One file, which `kerasforecast.load` opens too."""
        from kerasforecast.artifact.onnx.reader import read_onnx
        from kerasforecast.artifact.onnx.writer import onnx_bytes
        from kerasforecast.forecasting.onnx_predictor import OnnxPredictor

        path.write_bytes(onnx_bytes(source.manifest, source.graph, source.arrays))
        manifest, content = read_onnx(path)
        return OnnxPredictor(manifest.members, content, str(path))


class Torch(Format):
    """PyTorch's weights, of the specification's StockLSTM."""

    name = "torch"
    suffix = ".pt"
    what = "the weights of a plain LSTM as PyTorch's state_dict, unscaled"

    def write(self, source: Source, path: Path) -> Answers:
        """One file for `StockLSTM().load_state_dict(torch.load(path))`."""
        from kerasforecast.artifact.exchange.torch_state import TorchAnswers, state_dict, write_state_dict

        (member, *others) = source.manifest.members
        if others:
            raise OptionError(f"A state_dict holds one network. Received: {1 + len(others)}. Use --to onnx.")
        write_state_dict(state_dict(member, source.weights, source.linear_name), path)
        return TorchAnswers(member, path, source.linear_name)


class OpenVino(Format):
    """OpenVINO's files, made from ONNX."""

    name = "openvino"
    suffix = ".xml"
    what = "OpenVINO, two files, for Intel's processors"

    def write(self, source: Source, path: Path) -> Answers:
        """The graph, and beside it `.bin`, its weights."""
        openvino = _openvino()
        from kerasforecast.artifact.onnx.writer import onnx_bytes

        between = path.with_suffix(".between.onnx")
        between.write_bytes(onnx_bytes(source.manifest, source.graph, source.arrays))
        openvino.save_model(openvino.Core().read_model(str(between)), str(path), compress_to_fp16=False)
        between.unlink()
        # Left to itself it computes in bfloat16 where the processor can.
        compiled = openvino.Core().compile_model(str(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        return _Called(lambda arrays: compiled(dict(arrays))[0])


class SavedModel(Format):
    """TensorFlow's SavedModel, by Keras' own exporter."""

    name = "saved-model"
    suffix = ""
    what = "a folder for TensorFlow Serving"
    backend = "tensorflow"

    def write(self, source: Source, path: Path) -> Answers:
        """A folder, whose function `serve` takes the inputs by name."""
        import tensorflow as tf

        _network(source).export(path, format="tf_saved_model", verbose=False)
        loaded = tf.saved_model.load(str(path))  # its function lives no longer than this does
        alone = len(golden_of(source.manifest).windows.arrays) == 1
        return _Called(lambda arrays: np.asarray(loaded.serve(arrays["past"] if alone else dict(arrays))))


class StableHlo(Format):
    """StableHLO as JAX serialises it."""

    name = "stablehlo"
    suffix = ".stablehlo"
    what = "StableHLO, for jax.export.deserialize and XLA"
    backend = "jax"

    def write(self, source: Source, path: Path) -> Answers:
        """One file, whose function takes the inputs by name and any batch."""
        import jax

        network, export = _network(source), jax.export
        alone = len(golden_of(source.manifest).windows.arrays) == 1

        def forecast(arrays: dict[str, Any]) -> Any:
            return network(arrays["past"] if alone else arrays, training=False)

        (batch,) = export.symbolic_shape("batch")
        shapes = {
            name: jax.ShapeDtypeStruct((batch, *array.shape[1:]), "float32")
            for name, array in golden_of(source.manifest).windows.arrays.items()
        }
        exported = export.export(jax.jit(forecast), platforms=("cpu", "cuda", "tpu"))(shapes)
        try:
            path.write_bytes(exported.serialize())
        except ImportError:
            raise not_installed("JAX writes StableHLO with the package flatbuffers", "jax") from None
        called = export.deserialize(bytearray(path.read_bytes())).call
        return _Called(lambda arrays: np.asarray(called(dict(arrays))))


class LiteRt(Format):
    """LiteRT, once TensorFlow Lite, for one window at a time."""

    name = "litert"
    suffix = ".tflite"
    what = "LiteRT, one window at a time, for phones"
    backend = "tensorflow"
    batches = (1,)
    int8 = False

    def write(self, source: Source, path: Path) -> Answers:
        """One file, whose signature takes the inputs by name."""
        from kerasforecast.artifact.exchange.litert import write_litert

        return _Called(write_litert(_network(source), path, int8=self.int8))


class LiteRt8(LiteRt):
    """The same with matrices of 8 bits."""

    name = "litert-int8"
    what = "the same with matrices of 8 bits, within a tenth of a scaled unit"
    tolerance = 0.1
    int8 = True


@dataclass(frozen=True)
class _Called:
    """A function of arrays by name, as something that answers windows."""

    function: Any

    def outputs(self, windows: WindowBatch) -> np.ndarray:
        """Raw forecasts of raw windows."""
        return np.asarray(self.function(windows.float32().arrays))


_ALL = Onnx(), LiteRt(), LiteRt8(), OpenVino(), SavedModel(), StableHlo(), Torch()
FORMATS: Mapping[str, Format] = {each.name: each for each in _ALL}


def _network(source: Source) -> Any:
    """The network of plain Keras layers, as the file has it."""
    from kerasforecast.models.network import build_model, set_weights

    network = build_model(source.manifest.members, "export")
    set_weights(network, source.weights)
    return network


def _openvino() -> Any:
    """The package `openvino`, without its part that reports over the network that it was imported."""
    try:
        with absent(["openvino_telemetry"]):
            return importlib.import_module("openvino")
    except ModuleNotFoundError:
        raise not_installed("OpenVINO's files are written by the package openvino", "openvino") from None
