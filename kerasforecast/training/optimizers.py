"""Adam as the paper's Algorithm 1 and PyTorch step it."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from kerasforecast.layers import kernels

# The class that Keras itself makes on the running backend: on PyTorch one that updates all weights in a few calls.
_KerasAdam: type[keras.optimizers.Adam] = type(keras.optimizers.Adam())


class Adam(_KerasAdam):  # type: ignore[misc, valid-type]
    """Adam (Kingma & Ba 2015, Algorithm 1): `w -= rate * m_hat / (sqrt(v_hat) + epsilon)`.

    Keras adds epsilon to `sqrt(v)`, before the correction for the start at zero; at the first step it then weighs
    `1 / sqrt(1 - beta_2)` = 32 times as much, and weights with small gradients fall behind PyTorch's.

    Args:
        learning_rate: Step size.
        epsilon: Added to the corrected root, as in `torch.optim.Adam`.
        global_clipnorm: Clip the norm of the whole gradient to this; `None` leaves it.
    """

    def __init__(
        self, learning_rate: float = 1e-3, epsilon: float = 1e-8, global_clipnorm: float | None = None
    ) -> None:
        super().__init__(learning_rate=learning_rate, epsilon=epsilon, global_clipnorm=global_clipnorm, name="adam")

    @property
    def epsilon(self) -> Any:
        """What Keras' formula must add at this step for the sum to be the paper's: `epsilon sqrt(1 - beta_2^t)`."""
        step = ops.cast(self.iterations + 1, "float32")
        return self._epsilon * ops.sqrt(1 - ops.power(ops.cast(self.beta_2, "float32"), step))

    @epsilon.setter
    def epsilon(self, value: float) -> None:
        self._epsilon = value

    def _parallel_update_step(self, grads: list[Any], variables: list[Any], learning_rate: Any) -> None:
        """Keras' hook on PyTorch alone: all weights in one call of PyTorch's fused kernel."""
        indices = [self._get_variable_index(variable) for variable in variables]
        kernels.load("torch").adam(
            [variable.value for variable in variables],
            list(grads),
            [self._momentums[place].value for place in indices],
            [self._velocities[place].value for place in indices],
            step=int(self.iterations.value) + 1,
            learning_rate=float(learning_rate),
            betas=(self.beta_1, self.beta_2),
            epsilon=self._epsilon,
        )

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        rate = float(ops.convert_to_numpy(self.learning_rate))
        return {"learning_rate": rate, "epsilon": self._epsilon, "global_clipnorm": self.global_clipnorm}
