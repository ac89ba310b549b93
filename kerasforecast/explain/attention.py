"""What each patch of a Transformer attends to, from the queries and keys that its network computes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kerasforecast.explain.inside import member_alone, own_window
from kerasforecast.explain.origin import Origin
from kerasforecast.models.families.patch import Patch, PatchOptions

if TYPE_CHECKING:
    from kerasforecast.forecasting.predictor import Predictor


@dataclass(frozen=True, eq=False)
class Attention:
    """Attention over patches, the mean of all heads.

    Attributes:
        layers: Each `(N, N)`: a row is what one patch takes from every other, and sums to 1.
        patches: `(N, 2)` first and last row of each patch, counted from the origin: 0 is the last known row, 1 the
            first that is forecast.
    """

    layers: list[np.ndarray]
    patches: np.ndarray


def attention(predictor: Predictor, origin: Origin) -> Attention | None:
    """The attention of the first member that has some; `None` where none has."""
    import keras

    for place, member in enumerate(predictor.members):
        options = member.network.options
        if isinstance(member.network.family, Patch) and isinstance(options, PatchOptions):
            batch = own_window(predictor, place, predictor.checked(origin.batch))
            network = member_alone(predictor, place).network
            names = [f"{kind}_{number}" for number in range(1, options.layers + 1) for kind in ("query", "key")]
            outputs = [network.get_layer(name).output for name in names]
            found = keras.Model(network.input, outputs).predict_on_batch(batch.fed())
            pairs = zip(found[::2], found[1::2], strict=True)
            layers = [_attended(np.asarray(query[0]), np.asarray(key[0]), options.heads) for query, key in pairs]
            ahead = member.network.horizon if member.covariates.known else 0
            return Attention(layers, _patches(member.network.window, ahead, options.patch))
    return None


def _attended(query: np.ndarray, key: np.ndarray, heads: int) -> np.ndarray:
    """Queries and keys `(N, D)` of one window to attention `(N, N)`, the mean over heads."""
    count, width = query.shape
    query, key = (each.reshape(count, heads, width // heads) for each in (query, key))
    scores = np.einsum("nhd,mhd->hnm", query, key).astype(np.float64) / np.sqrt(width // heads)
    scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.asarray((scores / scores.sum(axis=-1, keepdims=True)).mean(axis=0))


def _patches(window: int, ahead: int, patch: int) -> np.ndarray:
    past = [(max(end - patch, 0), end) for end in range(window, 0, -patch)][::-1]
    coming = [(start, min(start + patch, ahead)) for start in range(0, ahead, patch)]
    rows = [(first - window + 1, end - window) for first, end in past]
    return np.array(rows + [(first + 1, end) for first, end in coming])
