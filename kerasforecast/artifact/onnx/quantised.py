"""An ONNX network in 8 bits: matrices as bytes with a scale, what comes in rounded to bytes as it comes.

By ONNX Runtime's own quantisation, recurrent layers included. Weights and inputs are unsigned: of signed ones some
processors lose the highest sums, so that the same file would forecast otherwise elsewhere.
"""

from __future__ import annotations

import contextlib
import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path

from kerasforecast.artifact.manifest import Manifest
from kerasforecast.artifact.onnx.packing import MANIFEST, packed
from kerasforecast.artifact.onnx.writer import onnx_package
from kerasforecast.errors import OptionError


def quantised(content: bytes) -> bytes:
    """The ONNX file `content` with its matrices in 8 bits.

    Raises:
        OptionError: The extra is not installed.
    """
    onnx_package()
    try:
        from onnxruntime.quantization import QuantType, quantize_dynamic
    except ModuleNotFoundError as error:
        raise OptionError(
            f'--int8 needs ONNX Runtime. Received: no {error.name}. Run: pip install "kerasforecast[onnx]"'
        ) from None
    with tempfile.TemporaryDirectory() as folder, _silent():
        before, after = Path(folder) / "float.onnx", Path(folder) / "int8.onnx"
        before.write_bytes(content)
        quantize_dynamic(before, after, weight_type=QuantType.QUInt8)
        return after.read_bytes()


def bytes_of_arrays(content: bytes) -> int:
    """Bytes of an ONNX file that are numbers of its network, scales of such included: no shapes, axes or places."""
    onnx = onnx_package()
    arrays = onnx.load_model_from_string(content).graph.initializer
    return sum(len(each.raw_data) for each in arrays if each.data_type != onnx.TensorProto.INT64)


def with_manifest(content: bytes, manifest: Manifest) -> bytes:
    """The ONNX file `content` with another manifest in its metadata, and nothing beside it that we do not write."""
    onnx = onnx_package()
    model = onnx.load_model_from_string(content)
    del model.metadata_props[:]
    del model.graph.value_info[:]
    arrays = [
        onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(each), each.name) for each in model.graph.initializer
    ]
    del model.graph.initializer[:]
    model.graph.initializer.extend(arrays)
    onnx.helper.set_model_props(model, {MANIFEST: packed(manifest.model_dump_json())})
    written: bytes = model.SerializeToString(deterministic=True)
    return written


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """It advises, through the root logger, on what does not concern these networks."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.setLevel(level)
