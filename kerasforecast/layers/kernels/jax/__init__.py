"""The kernels for JAX, as the package above describes them."""

from kerasforecast.layers.kernels.jax.gru import gru
from kerasforecast.layers.kernels.jax.lstm import lstm
from kerasforecast.layers.kernels.jax.runtime import dropout, gradient, inference, on_cpu, while_training
from kerasforecast.layers.kernels.jax.simple_rnn import simple_rnn
from kerasforecast.layers.kernels.jax.training import blocks

__all__ = ["blocks", "dropout", "gradient", "gru", "inference", "lstm", "on_cpu", "simple_rnn", "while_training"]
