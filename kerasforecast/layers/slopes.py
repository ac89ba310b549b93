"""How what a network answers changes with what it is given; the backends' own derivatives stand in `kernels`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from kerasforecast.errors import BackendError
from kerasforecast.layers import kernels


def sloping(network: keras.Model) -> Callable[[Any, np.ndarray], Any]:
    """A function of inputs and weights: how the weighted sum of what `network` answers changes with each input.

    The inputs are arrays, `(B, L, F)` or by name, the weights `(B, ...)` of the shape of the answers; the gradients
    have the structure and shape of the inputs. Windows of a batch do not touch one another, so each has the gradient
    of its own sum. Of the number of a category, which nothing follows smoothly, it is 0.

    Raises:
        BackendError: The backend of Keras is none that the package has kernels for.
    """
    backend = keras.backend.backend()
    module = kernels.load(backend)
    if module is None:
        raise BackendError(f"Gradients need one of the backends jax, tensorflow, torch. Received: {backend}.")
    slopes = module.gradient(network)

    def compute(arrays: Any, weights: np.ndarray) -> Any:
        tensors = keras.tree.map_structure(ops.convert_to_tensor, arrays)
        return keras.tree.map_structure(ops.convert_to_numpy, slopes(tensors, ops.convert_to_tensor(weights)))

    return compute
