"""Which computation a recurrent layer takes: a kernel of ours where one fits, else Keras' own.

The choice is made while a call is traced and logged at debug level under `kerasforecast.layers`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from types import ModuleType
from typing import Any

import keras
from keras import activations, ops

from kerasforecast.layers import kernels

log = logging.getLogger("kerasforecast.layers")

_DTYPES = ("float32", "float64")


def while_training() -> AbstractContextManager[None]:
    """Settings of the process that make training on a CPU faster, while the context lasts.

    On JAX and PyTorch the C library keeps the memory that a step frees for the next one (`kerasforecast.runtime.memory`
    says what it does afterwards); on PyTorch numbers too small for full precision (denormal) count as zero. Around
    `fit` of any Keras model: `with while_training(): model.fit(x)`.
    """
    module = kernels.load(keras.backend.backend())
    return module.while_training() if module else nullcontext()


def loop(
    layer: keras.layers.RNN,
    keras_loop: Callable[..., tuple[Any, Any, list[Any]]],
    sequences: Any,
    states: list[Any],
    mask: Any,
    training: bool,
    **options: Any,
) -> tuple[Any, Any, list[Any]]:
    """What `layer.inner_loop` must return: computed by the kernel `layer.kernel_name`, else by Keras.

    Args:
        layer: One of this package's recurrent layers that has a kernel.
        keras_loop: Keras' own `inner_loop` of that layer.
        sequences: `(B, T, F)`.
        states: The states before the first step, each `(B, H)`.
        mask: `(B, T)` or None.
        training: Whether the call is one of training.
        options: Further keyword arguments of the kernel.

    Returns:
        Last output `(B, H)`, outputs `(B, T, H)` (without `return_sequences` the last one alone), final states.
    """
    if layer.stateful:
        # The layer assigns to its own before a gradient is taken; Keras' cuDNN path on PyTorch fails on that too.
        states = [ops.copy(state) for state in states]
    module = kernels.load(keras.backend.backend())
    reason = _misfit(layer, module, sequences, mask)
    if reason:
        log.debug("%s: Keras' computation (%s)", layer.name, reason)
        return keras_loop(sequences, states, mask=mask, training=training)
    log.debug("%s: %s kernel %s", layer.name, keras.backend.backend(), layer.kernel_name)
    cell = layer.cell
    sequences = _dropped_out(cell, ops.cast(sequences, layer.compute_dtype), training)
    if layer.go_backwards:
        sequences = ops.flip(sequences, axis=1)
    weights = [ops.convert_to_tensor(weight) for weight in (cell.kernel, cell.recurrent_kernel)]
    bias = None if cell.bias is None else ops.convert_to_tensor(cell.bias)
    output, final = getattr(module, layer.kernel_name)(
        sequences, tuple(states), *weights, bias, return_sequences=layer.return_sequences, **options
    )
    return (final[0], output, list(final)) if layer.return_sequences else (output, output, list(final))


def _misfit(layer: keras.layers.RNN, module: ModuleType | None, sequences: Any, mask: Any) -> str | None:
    """Why no kernel can do what `layer` asks for, or None."""
    cell = layer.cell
    gate = getattr(cell, "recurrent_activation", activations.sigmoid)
    checks = {
        "no kernel for this backend": module is None,
        "mask": mask is not None,
        "activation": cell.activation is not activations.tanh or gate is not activations.sigmoid,
        "recurrent dropout": cell.recurrent_dropout > 0,
        "dropout gate by gate": cell.dropout > 0 and getattr(cell, "dropout_mask_count", None) is not None,
        f"dtype {layer.compute_dtype}": layer.compute_dtype not in _DTYPES,
        "use_cudnn=True": getattr(layer, "use_cudnn", "auto") is True,
    }
    reason = next((reason for reason, true in checks.items() if true), None)
    if reason is None and module is not None and not module.on_cpu(sequences):
        return "accelerator: cuDNN where Keras has it"
    return reason


def _dropped_out(cell: Any, sequences: Any, training: bool) -> Any:
    """`sequences` under the cell's input dropout: one mask `(B, F)` for all steps, as Keras has it."""
    if not training or cell.dropout == 0:
        return sequences
    return sequences * ops.expand_dims(cell.get_dropout_mask(sequences[:, 0, :]), axis=1)
