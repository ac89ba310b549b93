"""The kernels for PyTorch, as the package above describes them."""

from kerasforecast.layers.kernels.torch.gru import gru
from kerasforecast.layers.kernels.torch.lstm import lstm
from kerasforecast.layers.kernels.torch.runtime import (
    dropout,
    gradient,
    inference,
    on_cpu,
    set_threads,
    threads,
    while_training,
)
from kerasforecast.layers.kernels.torch.simple_rnn import simple_rnn
from kerasforecast.layers.kernels.torch.training import adam, blocks, clipped, straight_step, train_step

__all__ = [
    "adam",
    "blocks",
    "clipped",
    "dropout",
    "gradient",
    "gru",
    "inference",
    "lstm",
    "on_cpu",
    "set_threads",
    "simple_rnn",
    "straight_step",
    "threads",
    "train_step",
    "while_training",
]
