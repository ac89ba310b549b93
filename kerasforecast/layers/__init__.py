"""Recurrent layers for any Keras model: drop-in for Keras' own, with kernels made for each backend.

Names load on first use (PEP 562), because `kerasforecast.layers.kernels` must be importable without Keras.
Keras finds a layer of a saved model only once its class was loaded: `from kerasforecast.layers import LSTM` does that.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOME = {
    "LSTM": "lstm",
    "LSTMCell": "lstm",
    "GRU": "gru",
    "SimpleRNN": "simple_rnn",
    "PeepholeLSTM": "peephole",
    "PeepholeLSTMCell": "peephole",
    "CoupledLSTM": "coupled",
    "CoupledLSTMCell": "coupled",
    "Dropout": "dropout",
    "fast_fit": "fitting",
    "while_training": "dispatch",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
