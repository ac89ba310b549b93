"""Starting weights, drawn by NumPy so that one seed gives the same network on JAX, TensorFlow and PyTorch."""

from __future__ import annotations

import keras
import numpy as np


def draw(layer: keras.layers.Layer, scheme: str, random: np.random.Generator) -> list[np.ndarray]:
    """Starting weights of one layer, in the order of `layer.get_weights()`.

    `keras`, `he`, `orthogonal`: recurrent kernels orthogonal (Saxe et al. 2013), biases as the layer starts them
    (forget gate 1, others 0); input kernels uniform by Glorot & Bengio (2010), by He et al. (2015), or orthogonal.
    `torch`: all uniform in +-1/sqrt(n), n the layer's units for a recurrent layer and its inputs for a linear one, as
    `torch.nn` does.
    """
    weights = layer.get_weights()
    names = [variable.name for variable in layer.weights]
    if isinstance(layer, keras.layers.LayerNormalization | keras.layers.BatchNormalization):
        return weights
    if scheme == "torch":
        single = getattr(layer, "forward_layer", layer)  # of a bidirectional layer
        fan = single.units if hasattr(single, "cell") else weights[0].shape[0]
        bound = 1 / np.sqrt(fan)
        return [random.uniform(-bound, bound, array.shape).astype(np.float32) for array in weights]
    return [_start(name, array, scheme, random) for name, array in zip(names, weights, strict=True)]


def _start(name: str, start: np.ndarray, scheme: str, random: np.random.Generator) -> np.ndarray:
    if name == "recurrent_kernel" or (name == "kernel" and scheme == "orthogonal"):
        return _orthogonal(start.shape, random)
    if name == "kernel":
        bound = np.sqrt(6 / (start.shape[0] if scheme == "he" else sum(start.shape)))
        return random.uniform(-bound, bound, start.shape).astype(np.float32)
    return start


def _orthogonal(shape: tuple[int, int], random: np.random.Generator) -> np.ndarray:
    """A matrix with orthonormal rows (or columns, where there are fewer), uniform over all such."""
    tall, wide = max(shape), min(shape)
    q, r = np.linalg.qr(random.normal(size=(tall, wide)))
    q = q * np.sign(np.diag(r))  # makes the factorisation unique, and so the draw uniform
    return (q if shape[0] >= shape[1] else q.T).astype(np.float32)
