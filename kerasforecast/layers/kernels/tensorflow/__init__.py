"""The kernels for TensorFlow, as the package above describes them."""

from kerasforecast.layers.kernels.tensorflow.gru import gru
from kerasforecast.layers.kernels.tensorflow.lstm import lstm
from kerasforecast.layers.kernels.tensorflow.runtime import gradient, inference, on_cpu, while_training
from kerasforecast.layers.kernels.tensorflow.simple_rnn import simple_rnn
from kerasforecast.layers.kernels.tensorflow.training import blocks

__all__ = ["blocks", "gradient", "gru", "inference", "lstm", "on_cpu", "simple_rnn", "while_training"]
