"""Training of one network on several devices at once: each takes a share of every batch, and gradients are summed.

Keras' own `keras.distribution` does it, which is made for JAX. On TensorFlow that part of Keras is a prototype marked
as not for use, and for PyTorch there is none.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

import keras

from kerasforecast.errors import OptionError

_COUNT: ContextVar[int] = ContextVar("devices", default=1)


@contextlib.contextmanager
def spread_over(count: int | None) -> Iterator[None]:
    """Have networks that are made and trained in the block use the first `count` devices.

    Raises:
        OptionError: There are fewer.
    """
    if count is None or count == 1:
        yield
        return
    found = keras.distribution.list_devices()
    if count > len(found):
        raise OptionError(
            f"--devices must be at most those of this machine, {len(found)}: {', '.join(found[:8])}. Received: "
            f"{count}. Use fewer; to try it on a processor, set "
            f"XLA_FLAGS=--xla_force_host_platform_device_count={count}."
        )
    before = _COUNT.set(count)
    try:
        yield
    finally:
        _COUNT.reset(before)


@contextlib.contextmanager
def sharing() -> Iterator[None]:
    """Make or train a network on as many devices as `spread_over` says."""
    count = _COUNT.get()
    if count == 1:
        yield
        return
    with _distribution(count).scope():
        yield


def _distribution(count: int) -> Any:
    class Shared(keras.distribution.DataParallel):  # type: ignore[misc]
        """Batches that cannot be shared out, such as the last one of validation, are computed whole by each device."""

        def get_data_layout(self, data_shape: tuple[int, ...]) -> Any:
            if data_shape and data_shape[0] % count == 0:
                return super().get_data_layout(data_shape)
            return keras.distribution.TensorLayout([None] * len(data_shape), self.device_mesh)

    return Shared(devices=keras.distribution.list_devices()[:count], auto_shard_dataset=False)
