"""The only code of the package for one backend: recurrent loops, and training, for JAX, TensorFlow, PyTorch on a CPU.

Each of the folders `jax`, `tensorflow`, `torch` has the same functions, a file for each cell, imports no Keras, and
takes the weights as Keras lays them out:

    lstm(x, states, kernel, recurrent_kernel, bias, *, return_sequences, peepholes)    -> output, (h, c)
    gru(x, states, kernel, recurrent_kernel, bias, *, reset_after, return_sequences)   -> output, (h,)
    simple_rnn(x, states, kernel, recurrent_kernel, bias, *, return_sequences)         -> output, (h,)
    on_cpu(x)                                                                          -> bool
    inference(network)                                                                 -> function of x
    gradient(network)                                                                  -> function of x and weights
    while_training()                                                                   -> context manager
    blocks(network, arrays, window, ahead)                                             -> train_function of Keras' fit

A block is a dict of what k steps of B windows take: `begins` `(k, B)`, the first rows of windows; `indices` `(k, B)` of
their targets; `count` `(1,)`, how many of the steps are to be made; where there are some, `rows`
`(k, B, window + ahead)` where these do not follow one another, `owners` `(k, B)`, rows of the
attributes, `weights` `(k, B)`, and `drawn` and `answers` `(k, B, ...)` in place of targets. `arrays` are `past`
`(R, F)`, `targets` `(N, H)`, and `known` `(R, K)` and `static` `(S, A)` where there are some; windows have `window`
rows, and `ahead` more of what is known. Further,
where the backend's own takes long, `dropout(x, rate, seeds)`; PyTorch, which traces no step beforehand, also has

    train_step(network, forward, x, y, weights, variables, mean)                       -> loss
    straight_step(network, forward, x, y, weights, windows)                            -> running means
    adam(weights, gradients, momentums, velocities, *, step, ...)                      -> None, in place
    clipped(gradients, limit)                                                          -> gradients
    threads(), set_threads(count)                                                      -> how many compute
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_DESCRIPTIONS = {
    "jax": "fused scan with its own backward (XLA)",
    "tensorflow": "fused loop with its own backward (XLA)",
    "torch": "oneDNN LSTM, fused loops with their own backward for the other cells",
}


def load(backend: str) -> Any:
    """The kernels for the Keras backend named `backend`, or None where there are none."""
    return import_module(f"{__name__}.{backend}") if backend in _DESCRIPTIONS else None


def describe(backend: str, device: str) -> str:
    """Which computation a recurrent layer takes, in a few words, e.g. for `kerasforecast doctor`.

    Args:
        backend: Name of the Keras backend. device: Such as "cpu", "gpu", "cuda:0".
    """
    if backend not in _DESCRIPTIONS:
        return "Keras' own computation"
    if not device.lower().startswith("cpu"):
        return "Keras' own computation (cuDNN where it has it)"
    return _DESCRIPTIONS[backend]
