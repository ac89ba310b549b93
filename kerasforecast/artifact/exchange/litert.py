"""LiteRT (TensorFlow Lite): one file for a phone, for one window at a time.

Its interpreter has no loops over time that the converter would make of ours: recurrent layers are written row by row,
and so the file of a long window is a large one.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from kerasforecast.errors import OptionError, shown

Function = Callable[[Mapping[str, np.ndarray]], np.ndarray]


def write_litert(network: Any, path: Path, *, int8: bool) -> Function:
    """Write `network` at `path`, and return what LiteRT's interpreter computes from there.

    Args:
        network: Of Keras, in the role of an export, computed by TensorFlow; it is not used otherwise from then on.
        path: Of the file.
        int8: Whether matrices are kept in 8 bits.

    Returns:
        A function of arrays by name, one window each.

    Raises:
        OptionError: LiteRT has no operation for a part of it.
    """
    import tensorflow as tf

    from kerasforecast.models.network import every_layer

    write_row_by_row(every_layer(network))
    names = [each.name for each in network.inputs]
    specs = {each.name: tf.TensorSpec((1, *each.shape[1:]), tf.float32, name=each.name) for each in network.inputs}

    def of_one(arrays: dict[str, Any]) -> Any:
        return network(arrays if len(names) > 1 else arrays[names[0]], training=False)

    fault: Exception | None = None
    for make in (lambda: of_one, lambda: _of_any_batch(network, names)):
        try:
            path.write_bytes(_converted(make(), specs, network, int8=int8))
            answer = _runner(path, names)
            answer({name: np.ones(spec.shape, np.float32) for name, spec in specs.items()})
        except Exception as error:  # of classes that TensorFlow keeps to itself
            fault = error
            continue
        return answer
    raise OptionError(
        f"LiteRT must have an operation for every part of the network. Received: {shown(str(fault), 200)}. "
        "Use --to onnx."
    )


def _converted(called: Callable[[dict[str, Any]], Any], specs: dict[str, Any], network: Any, *, int8: bool) -> bytes:
    import tensorflow as tf

    kept = tf.Module()  # TensorFlow's own: of a model of Keras the weights would stay variables, which nobody sets
    kept.weights = [each.value for each in network.variables]
    kept.forecast = tf.function(lambda arrays: {"forecast": called(arrays)}, input_signature=[specs])
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(kept, folder, signatures={"serving_default": kept.forecast.get_concrete_function()})
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        converter.optimizations = [tf.lite.Optimize.DEFAULT] if int8 else []
        content: bytes = converter.convert()
    return content


def _runner(path: Path, names: list[str]) -> Function:
    import tensorflow as tf

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it will move to a package of its own, which computes the same
        runner = tf.lite.Interpreter(model_path=str(path), num_threads=1).get_signature_runner()
    return lambda arrays: np.asarray(runner(**{name: arrays[name] for name in names})["forecast"])


def _of_any_batch(network: Any, names: list[str]) -> Callable[[dict[str, Any]], Any]:
    """The network as a function that was traced for a batch of any size, for where one of one cannot be converted."""
    import tensorflow as tf

    traced, places = _traced(network, names)

    def called(arrays: dict[str, Any]) -> Any:
        given = {places[name]: arrays[name] for name in names}
        return tf.graph_util.import_graph_def(traced, given, ["Identity:0"], name="network")[0]

    return called


def _traced(network: Any, names: list[str]) -> tuple[Any, dict[str, str]]:
    """The graph of a batch of any size, its weights constants, and where it takes the inputs of these names.

    Of a batch that it knows to be of one Keras takes some sums for those with a bias, which LiteRT then refuses.
    """
    import tensorflow as tf

    weights, others = (
        [each.numpy() for each in part] for part in (network.trainable_variables, network.non_trainable_variables)
    )

    @tf.function(input_signature=[[tf.TensorSpec((None, *each.shape[1:]), tf.float32) for each in network.inputs]])  # type: ignore[untyped-decorator]
    def called(arrays: list[Any]) -> Any:
        given = dict(zip(names, arrays, strict=True)) if len(names) > 1 else arrays[0]
        constants = ([tf.constant(each) for each in part] for part in (weights, others))
        return tf.identity(network.stateless_call(*constants, given, training=False)[0])

    concrete = called.get_concrete_function()
    places = dict(zip(names, (each.name for each in concrete.inputs), strict=True))
    return concrete.graph.as_graph_def(), places


def write_row_by_row(layers: Iterable[Any]) -> None:
    """Have recurrent layers that are traced from now on write their loops out."""
    for layer in layers:
        for one in (getattr(layer, "forward_layer", layer), getattr(layer, "backward_layer", layer)):
            if hasattr(one, "unroll"):
                one.unroll = True
