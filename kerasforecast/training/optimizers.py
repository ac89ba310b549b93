"""Adam as the paper's Algorithm 1 and PyTorch step it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from kerasforecast.layers import kernels


class Adam(keras.optimizers.Adam):
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
        self._slots: _Slots | None = None

    @property
    def epsilon(self) -> Any:
        """What Keras' formula must add at this step for the sum to be the paper's: `epsilon sqrt(1 - beta_2^t)`."""
        step = ops.cast(self.iterations + 1, "float32")
        return self._epsilon * ops.sqrt(1 - ops.power(ops.cast(self.beta_2, "float32"), step))

    @epsilon.setter
    def epsilon(self, value: float) -> None:
        self._epsilon = value

    def build(self, variables: list[Any]) -> None:
        """Make both moments of each of the weights `variables`; nothing where they are made already."""
        if self.built:
            return
        before = len(self.variables)
        super().build(variables)
        self._slots = _Slots.of(variables, self.variables[before:])

    def apply(self, grads: list[Any], trainable_variables: list[Any] | None = None) -> None:
        """Step `trainable_variables` by their gradients `grads`.

        On PyTorch without what Keras does for options that this optimizer has not: that takes as long as the step.
        """
        weights, slots = trainable_variables, self._slots
        ours = keras.backend.backend() == "torch" and not any(grad is None for grad in grads)
        if not ours or weights is None or slots is None or slots.constrained:
            super().apply(grads, weights)
            return
        if self.global_clipnorm:
            grads = kernels.load("torch").clipped(grads, self.global_clipnorm)
        self._backend_update_step(grads, weights, self.learning_rate)
        self.iterations.value.add_(1)

    def _backend_update_step(self, grads: list[Any], trainable_variables: list[Any], learning_rate: Any) -> None:
        """Keras' hook for a step of all weights: on PyTorch one call of its fused kernel, which gives the same numbers.

        A Keras that has no such hook, or that lays the moments out otherwise, makes the step weight by weight through
        its public `update_step`.
        """
        if self._slots is None or keras.backend.backend() != "torch":
            super()._backend_update_step(grads, trainable_variables, learning_rate)
            return
        momentums, velocities = self._slots.moments(trainable_variables)
        kernels.load("torch").adam(
            [variable.value for variable in trainable_variables],
            list(grads),
            momentums,
            velocities,
            step=int(self.iterations.value) + 1,
            learning_rate=float(learning_rate),
            betas=(self.beta_1, self.beta_2),
            epsilon=self._epsilon,
        )

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        rate = float(ops.convert_to_numpy(self.learning_rate))
        return {"learning_rate": rate, "epsilon": self._epsilon, "global_clipnorm": self.global_clipnorm}


class _Slots:
    """Both moments of each weight. An object of its own, so that Keras does not count them twice as the optimizer's."""

    def __init__(self, pairs: dict[int, tuple[Any, Any]], constrained: bool) -> None:
        self._pairs = pairs
        self.constrained = constrained

    @classmethod
    def of(cls, weights: Sequence[Any], made: Sequence[Any]) -> _Slots | None:
        """The moments among the variables that Keras' Adam has `made`, two in turn for each weight, else None."""
        if [variable.name.rpartition("_")[2] for variable in made] != ["momentum", "velocity"] * len(weights):
            return None
        pairs = zip(made[::2], made[1::2], strict=True)
        constrained = any(weight.constraint is not None for weight in weights)
        return cls({id(weight): pair for weight, pair in zip(weights, pairs, strict=True)}, constrained)

    def moments(self, weights: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        """The tensors of both for `weights`."""
        pairs = [self._pairs[id(weight)] for weight in weights]
        return [momentum.value for momentum, _ in pairs], [velocity.value for _, velocity in pairs]
