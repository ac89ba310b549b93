"""The layers of diffusion as symbols of Keras; what they are says `kerasforecast.models.families.diffusion`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import KerasTensor, ops

from kerasforecast.models.families.arithmetic import known_rows
from kerasforecast.models.families.base import Inputs, Sizes
from kerasforecast.models.heads import side_by_side
from kerasforecast.models.noise import FARTHEST, KNOTS, StepBack, features
from kerasforecast.models.width import FADES, LARGEST, LEAST


@dataclass(frozen=True, eq=False)
class Place:
    """Where paths lie.

    Attributes:
        mean: `(B, H)`, scaled.
        width: `(B, H)` what errors are multiplied with.
    """

    mean: KerasTensor
    width: KerasTensor


class Denoiser:
    """The layers, made once and called in every step back.

    Args:
        units: Hidden units of each layer.
        blocks: Residual blocks.
        paths: Of the bank of noise.
        sizes: Of the network.
    """

    def __init__(self, units: int, blocks: int, paths: int, sizes: Sizes) -> None:
        self._sizes = sizes
        layer, horizon = keras.layers.Dense, sizes.horizon
        self._mean = layer(horizon, kernel_initializer="zeros", trainable=False, name="mean")
        self._movement = layer(1, use_bias=False, kernel_initializer="zeros", trainable=False, name="movement")
        self._beyond = layer(units, trainable=False, name="mean_in")
        self._added = layer(horizon, use_bias=False, kernel_initializer="zeros", trainable=False, name="mean_out")
        self._recent = layer(len(FADES), use_bias=False, trainable=False, name="recent")
        self._width = layer(horizon, kernel_initializer="zeros", trainable=False, name="width")
        self._context = [layer(units, name=f"context_{number}_in") for number in (1, 2)]
        self._bank = keras.layers.Embedding(
            paths, horizon, embeddings_initializer="zeros", trainable=False, name="bank"
        )
        self._angle, self._path = layer(units, name="angle_in"), layer(units, name="path_in")
        self._blocks = [
            tuple(layer(units, name=f"block_{number}_{part}") for part in ("beside_in", "in", "out"))
            for number in range(1, blocks + 1)
        ]
        self._factor = layer(horizon, kernel_initializer="zeros", name="factor")
        self._speed = layer(horizon, kernel_initializer="zeros", name="speed")
        self._correlation = layer(horizon, use_bias=False, trainable=False, name="correlation")
        self._margins = keras.layers.EinsumDense(
            "bshk,hk->bsh", output_shape=(None, horizon), bias_axes="h", trainable=False, name="margins"
        )

    def read(self, inputs: Inputs) -> tuple[Place, KerasTensor]:
        """Where paths of windows lie, and the context `(B, U)`."""
        past, static = keras.layers.Flatten(name="window")(inputs.past), inputs.static
        all_rows, few_rows = None, None
        if inputs.known is not None:
            all_rows = keras.layers.Flatten(name="known_rows")(inputs.known)
            few_rows = all_rows[:, -known_rows(self._sizes) * self._sizes.known :]
        near = side_by_side([past, few_rows, static])  # (B, E)
        mean = self._mean(side_by_side([past, all_rows, static]))  # of (B, D)
        mean = mean + self._added(ops.maximum(self._beyond(near), 0.0))
        logs = self._logs(inputs, mean)
        context = side_by_side([near, mean, logs])
        for each in self._context:
            context = ops.maximum(each(context), 0.0)
        return Place(mean, ops.expm1(logs) + 1.0), context

    def _logs(self, inputs: Inputs, mean: KerasTensor) -> KerasTensor:
        """The log of the width `(B, H)`, as `kerasforecast.models.width` has it."""
        window, horizon = self._sizes.window, self._sizes.horizon
        target = inputs.past[:, :, :1]  # (B, L, 1)
        before = ops.concatenate([target[:, :1], target[:, :-1]], axis=1) if window > 1 else target
        moved = self._movement(ops.concatenate([inputs.past, before], axis=-1))
        falls = ops.maximum(-target, 0.0)
        rows = [keras.layers.Reshape((1, window))(each * each) for each in (target, falls, moved)]
        averages = ops.maximum(self._recent(ops.concatenate(rows, axis=1)), 0.0)
        recent = ops.log(averages + np.float32(LEAST))  # (B, 3, J)
        parts = [keras.layers.Reshape((3 * len(FADES),))(recent), inputs.past[:, -1], mean]
        if inputs.known is not None:
            parts.append(keras.layers.Flatten(name="known_ahead")(inputs.known[:, -horizon:]))
        if inputs.static is not None:
            parts.append(inputs.static)
        logs = self._width(ops.concatenate(parts, axis=-1))
        return -ops.maximum(-ops.maximum(logs, -LARGEST), -LARGEST)

    def noise(self, inputs: Inputs, paths: int | None) -> KerasTensor:
        """Where the way back begins `(B, S, H)`: the bank; in training, and where noise is given, what is given.

        The bank stands in every role, so that all have the same layers in the same order.

        Args:
            inputs: With the noised paths, or the noise.
            paths: Of the bank; `None` where noise is given.
        """
        first = ops.zeros_like(inputs.past[:, :1, 0])  # (B, 1)
        bank = self._bank(first + np.arange(paths or 1, dtype=np.float32))  # (B, S, H)
        if paths:
            return bank * np.float32(1) + ops.zeros_like(bank)
        given = inputs.drawn["noised"] if "noised" in inputs.drawn else inputs.drawn["noise"]
        return bank * np.float32(0) + given

    def speed(self, z: KerasTensor, angle: Any, context: KerasTensor) -> KerasTensor:
        """v `(B, S, H)` of noised paths `(B, S, H)` at an angle whose features are `(B, S, F)` or `(1, 1, F)`."""
        units = context.shape[-1]
        beside = keras.layers.Reshape((1, units))(context)  # (B, 1, U)
        where = ops.maximum(self._angle(angle) + beside, 0.0)  # (B, S or 1, U)
        hidden = self._path(z) + where  # (B, S, U)
        for read, inner, outer in self._blocks:
            seen = inner(ops.maximum(hidden, 0.0)) + ops.maximum(read(where), 0.0)  # (B, S, U)
            hidden = hidden + outer(ops.maximum(seen, 0.0))
        return self._speed(ops.maximum(hidden, 0.0)) + self._factor(where) * z

    def predicted(self, z: KerasTensor, speed: KerasTensor, angle: KerasTensor) -> KerasTensor:
        """The noise `(B, M, H)` in noised paths."""
        cosine, sine = angle[:, :, :1], angle[:, :, 1:2]
        return sine * z + cosine * speed

    def standing(self, found: KerasTensor, place: Place) -> KerasTensor:
        """What training compares `(B, M, H)`: the layers that make paths have no part in it, and stand in it all the
        same, as the bank does."""
        return found + self.path(found[:, :1], place) * np.float32(0)

    def back(self, z: KerasTensor, context: KerasTensor, steps: list[StepBack], inputs: Inputs) -> list[KerasTensor]:
        """From noise `(B, S, H)` to paths in the coordinates of the frame: those after each step."""
        before, found = None, []
        nothing = ops.zeros_like(inputs.past[:, :1, :1])  # (B, 1, 1)
        for step in steps:
            speed = self.speed(z, nothing + features(np.array(step.angle)), context)
            turned = speed * np.float32(step.turn * step.now)
            if before is not None:
                turned = turned + before * np.float32(step.turn * step.before)
            z, before = z - turned, speed
            found.append(z)
        return found

    def path(self, z: KerasTensor, place: Place) -> KerasTensor:
        """Paths `(B, S, H)`, scaled, of z in the coordinates of the frame; no step lies beyond `FARTHEST` there.

        A step back may throw a path out of all that training has shown, and a curve such as sinh would make it endless.
        """
        normal = self._correlation(z)  # (B, S, H)
        normal = -ops.maximum(-ops.maximum(normal, -FARTHEST), -FARTHEST)
        one = keras.layers.Reshape((-1, self._sizes.horizon, 1))(normal)  # (B, S, H, 1)
        parts = ops.concatenate([one, ops.maximum(one - KNOTS.astype(np.float32), 0.0)], axis=-1)  # (B, S, H, K + 1)
        mean, width = (keras.layers.Reshape((1, self._sizes.horizon))(each) for each in (place.mean, place.width))
        return self._margins(parts) * width + mean
