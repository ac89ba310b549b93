"""Everything a training is between two steps: taken from a compiled model as arrays, and put back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np


def capture(model: keras.Model, *, within_epoch: bool) -> dict[str, np.ndarray]:
    """Weights, dropout's seeds, the optimizer with its learning rate; within an epoch its running mean loss too.

    The keys are `model/0`, `optimizer/0`, `metrics/0` and so on.
    """
    if keras.backend.backend() == "jax":  # there the state of an epoch under way is not in the variables
        model.jax_state_sync()
    variables = _variables(model, within_epoch)
    return {key: np.array(keras.ops.convert_to_numpy(variable.value)) for key, variable in variables.items()}


def restore(model: keras.Model, arrays: Mapping[str, np.ndarray], *, within_epoch: bool) -> None:
    """Put back what `capture` took from an equal model.

    Raises:
        KeyError, ValueError: The arrays are not those of such a model.
    """
    for key, variable in _variables(model, within_epoch).items():
        variable.assign(arrays[key])


def _variables(model: keras.Model, within_epoch: bool) -> dict[str, Any]:
    model.optimizer.build(model.trainable_variables)  # does nothing a second time
    groups = {"model": model.variables, "optimizer": model.optimizer.variables}
    if within_epoch:
        groups["metrics"] = model.metrics_variables
    return {f"{group}/{number}": variable for group, found in groups.items() for number, variable in enumerate(found)}
