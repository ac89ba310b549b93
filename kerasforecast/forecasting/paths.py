"""Other paths than those that a network's own bank of noise gives: as many as wanted, as far ahead as wanted."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from kerasforecast.errors import OptionError, whole_number
from kerasforecast.models.families.base import Role
from kerasforecast.models.member import describe
from kerasforecast.models.noise import bank
from kerasforecast.preprocessing.batch import WindowBatch
from kerasforecast.runtime.forks import refuse_fork

if TYPE_CHECKING:
    from kerasforecast.forecasting.predictor import Predictor

MOST = 100_000  # paths of a window
_AT_ONCE = 2**14  # paths; windows times paths of a window


def check_count(paths: int) -> int:
    """The number of paths that was asked for.

    Raises:
        OptionError: It is none that can be drawn.
    """
    count = whole_number("--paths", paths)
    if not 2 <= count <= MOST:
        raise OptionError(f"--paths must be from 2 to {MOST:,}. Received: {count}.")
    return count


def draw(predictor: Predictor, batch: WindowBatch, steps: int, paths: int, seed: int) -> np.ndarray:
    """Paths `(B, S, steps)` float32 of raw windows: the same for one seed on every backend.

    Beyond the horizon each path goes on by itself: it is put after the window that it came from, whose other columns
    are held at their last value, and the network draws one path of that. So what comes later hangs together with what
    came before.

    Args:
        predictor: Of a network that draws paths.
        batch: Windows as `Predictor.checked` has them; known columns reach `steps` rows ahead.
        steps: Rows ahead.
        paths: Of each window.
        seed: Of the noise, the same for every window.

    Raises:
        OptionError: The network draws no paths, or is an ONNX file.
    """
    if not predictor.paths:
        raise OptionError(
            f"Paths need a model that draws them (--model diffusion). Received: {describe(predictor.members)}. "
            "Its prediction intervals are of single steps: forecast()."
        )
    if not predictor.weights:
        raise OptionError(
            "Paths drawn anew need the network as Keras has it. Received: an ONNX file. Use its .keras file."
        )
    blocks = -(-steps // predictor.horizon)
    random = np.random.default_rng([seed, 8])
    noise = np.stack([bank(paths, predictor.horizon, random) for _ in range(blocks)])  # (N, S, H)
    count = max(1, _AT_ONCE // paths)
    found = [
        _drawn(predictor, batch.at(slice(start, start + count)), noise)[:, :, :steps]
        for start in range(0, len(batch), count)
    ]
    return np.concatenate(found) if found else np.empty((0, paths, steps), np.float32)


def _drawn(predictor: Predictor, batch: WindowBatch, noise: np.ndarray) -> np.ndarray:
    """Paths `(B, S, N H)` by the noise `(N, S, H)` of N blocks."""
    count, paths, horizon = len(batch), noise.shape[1], predictor.horizon
    first = predictor.ahead_of(batch, 0)
    found = [_answers(predictor, first, np.broadcast_to(noise[0], (count, *noise[0].shape)))]  # (B, S, H)
    every = batch.at(np.repeat(np.arange(count), paths))  # (B S, ...)
    past = every.past
    for block in range(1, len(noise)):
        rows = np.repeat(past[:, -1:], horizon, axis=1)  # (B S, H, F)
        rows[:, :, 0] = found[-1].reshape(-1, horizon)
        past = np.concatenate([past, rows], axis=1)[:, -predictor.window :]
        own = np.tile(noise[block], (count, 1))[:, None]  # (B S, 1, H)
        moved = predictor.ahead_of(replace(every, past=past), block * horizon)
        parts = [slice(start, start + _AT_ONCE // 16) for start in range(0, len(past), _AT_ONCE // 16)]
        drawn = np.concatenate([_answers(predictor, moved.at(part), own[part]) for part in parts])
        found.append(drawn.reshape(count, paths, horizon))
    return np.concatenate(found, axis=2)


def _answers(predictor: Predictor, batch: WindowBatch, noise: np.ndarray) -> np.ndarray:
    refuse_fork()
    answer = predictor.__dict__.get("_answer_to_noise")
    if answer is None:
        from kerasforecast.layers.direct import answering

        answer = predictor.__dict__["_answer_to_noise"] = answering(network_of(predictor, "paths"))
    return np.asarray(answer(batch.arrays | {"noise": np.ascontiguousarray(noise)}))


def network_of(predictor: Predictor, role: Role) -> Any:
    """The network of `predictor` in another role, with its weights."""
    from kerasforecast.models.network import build_model, set_weights

    model = build_model(predictor.members, role)
    set_weights(model, predictor.weights)
    return model
