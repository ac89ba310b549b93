"""One dense layer from the window to the horizon (Zeng et al. 2023), begun at its ridge solution.

x (B, L C) beside what is known (B, R K) and the attributes (B, S) -> Dense (B, H)

R is the rows to be forecast and the last ones before them, as `known_rows` says.

A category has its own number in the solution, of which its vector and the weights that take it are the nearest product.

With the scaling `level`, windows minus their last row make it the NLinear of that paper, minus their mean and over
their spread the RLinear of Li et al. (2023). `trend` adds the paper's DLinear: a moving average of the window, whose
first and last rows stand in for those beyond its ends, has weights of its own.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from kerasforecast.models.families.arithmetic import CATEGORY, dense, flat_inputs, known_rows
from kerasforecast.models.families.base import KERAS, Family, FamilyOptions, Graph, Inputs, Role, SavedLayer, Sizes

if TYPE_CHECKING:
    import numpy as np

    from kerasforecast.models.families.setting import Setting

_MOST_FEATURES = 3_000  # beyond which the equations of the solution take longer than steps would


class LinearOptions(FamilyOptions):
    """Options of the linear map."""

    trend: int = Field(
        0, ge=0, le=1_000, description="Rows of the moving average with weights of its own, as in DLinear; 0 for none."
    )


class Linear(Family):
    """Everything that a window holds, weighted and summed, for each step."""

    name = "linear"
    solved = True
    options: ClassVar[type[FamilyOptions]] = LinearOptions
    stages: ClassVar = {"centre": ("last", "mean"), "unit": ("spread", "change"), "trend": (0, 7, 25)}
    recipe: ClassVar = {
        "scaling": "level",
        "centre": "last",
        "batch_size": 128,
        "learning_rate": 1e-4,
        "patience": 3,
    }
    vocabulary = frozenset({(KERAS, "AveragePooling1D"), (KERAS, "Flatten")})

    def layers(self, options: LinearOptions, sizes: Sizes) -> list[SavedLayer]:
        """The one layer."""
        return [dense(_features(options, sizes), sizes.outputs)]

    def build(self, options: LinearOptions, sizes: Sizes, inputs: Inputs, role: Role, seed: int) -> Graph:
        """No layer but the head."""
        import keras

        from kerasforecast.models.heads import head, side_by_side

        parts = [keras.layers.Flatten(name="window")(inputs.past)]  # (B, L C)
        if options.trend:
            before, after = (options.trend - 1) // 2, options.trend // 2
            ends = [inputs.past[:, :1]] * before + [inputs.past] + [inputs.past[:, -1:]] * after
            padded = keras.ops.concatenate(ends, axis=1) if len(ends) > 1 else inputs.past
            mean = keras.layers.AveragePooling1D(options.trend, strides=1, name="trend")(padded)  # (B, L, C)
            parts.append(keras.layers.Flatten(name="trend_window")(mean))
        if inputs.known is not None:
            parts.append(keras.layers.Flatten(name="known_rows")(inputs.known[:, -known_rows(sizes) :]))  # (B, R K)
        return Graph(head(side_by_side([*parts, inputs.static]), sizes))

    def solve_again(
        self, options: LinearOptions, sizes: Sizes, training: Any, validation: Any, whole: Any
    ) -> dict[str, list[np.ndarray]] | None:
        """The ridge regression of the scaled targets on all that the layer sees, its penalty chosen on validation."""
        found = self.solution(options, sizes, training, validation, whole)
        if found is None:
            return None
        first, told = _features(options, sizes) - sizes.static, _told(options, sizes)
        vectors, weights = _vectors(found.weights, first, sizes) if told else ({}, found.weights)
        return {"head": replace(found, weights=weights).head(sizes.levels), **vectors}

    def solution(self, options: Any, sizes: Sizes, training: Any, validation: Any, whole: Any = None) -> Any:
        """The same as a `kerasforecast.models.ridge.Ridge`, with what it misses validation by; `None` where there are
        too many features."""
        import numpy as np

        from kerasforecast.models.ridge import ridge

        told = _told(options, sizes)

        def features(windows: Any, indices: slice) -> np.ndarray:
            batch = windows.batch(indices)
            parts = [batch.past.reshape(len(batch), -1)]
            if options.trend:
                parts.append(_moving_average(batch.past, options.trend).reshape(len(batch), -1))
            if batch.known is not None:
                parts.append(batch.known[:, -known_rows(sizes) :].reshape(len(batch), -1))
            if batch.static is not None:
                parts.append(_attributes(batch.static, sizes, told))
            return np.concatenate(parts, axis=1)

        width = _width_told(options, sizes) if told else _features(options, sizes)
        return ridge(features, training, validation, width, _MOST_FEATURES, whole)

    def proposals(self, setting: Setting) -> list[dict[str, Any]]:
        """Windows of one to three units, relative to the last row or to the mean, of logs or their like too."""
        found: list[dict[str, Any]] = [
            {"window": setting.window(2), "centre": "last"},
            {"window": setting.window(2), "centre": "mean"},
            {"window": setting.window(1), "centre": "last"},
            {"window": setting.window(3), "centre": "mean"},
        ]
        found[1:1] = [{"window": setting.window(2), "centre": "last"} | setting.bent]
        return [*found, {"window": setting.window(2), "centre": "mean"} | setting.bent]

    def describe(self, options: LinearOptions) -> str:
        """E.g. `"linear map"`."""
        return f"linear map with a trend of {options.trend} rows" if options.trend else "linear map"


def _features(options: LinearOptions, sizes: Sizes) -> int:
    smoothed = sizes.window * sizes.channels if options.trend else 0
    return flat_inputs(sizes, known_rows(sizes)) + smoothed


def _moving_average(past: np.ndarray, rows: int) -> np.ndarray:
    import numpy as np

    padded = np.pad(past, ((0, 0), ((rows - 1) // 2, rows // 2), (0, 0)), mode="edge")
    sums = np.cumsum(np.pad(padded.astype(np.float64), ((0, 0), (1, 0), (0, 0))), axis=1)
    return ((sums[:, rows:] - sums[:, :-rows]) / rows).astype(np.float32)


def _told(options: LinearOptions, sizes: Sizes) -> bool:
    """Whether few enough features are left to tell categories apart."""
    return _width_told(options, sizes) <= _MOST_FEATURES


def _width_told(options: LinearOptions, sizes: Sizes) -> int:
    """Features where each category has one of its own, in place of those of its vector."""
    return _features(options, sizes) + sum(count - width for count, width in sizes.categories)


def _attributes(static: np.ndarray, sizes: Sizes, told: bool) -> np.ndarray:
    """The numbers among the attributes `(n, S)`, and behind them a 1 for each category; zeros for the vectors of
    categories, where they are not `told` apart."""
    import numpy as np

    numbers = static[:, list(sizes.numeric)]
    if not told:
        return np.concatenate([numbers, np.zeros((len(static), sizes.static - numbers.shape[1]), np.float32)], axis=1)
    places = _with_categories(sizes)
    which = [static[:, place, None] == np.arange(count) for place, (count, _) in places.items()]
    return np.concatenate([numbers, *which], axis=1, dtype=np.float32)


def _with_categories(sizes: Sizes) -> dict[int, tuple[int, int]]:
    """`(categories, width)` of each attribute that has categories, by its place among all."""
    every = range(len(sizes.numeric) + len(sizes.categories))
    return dict(zip([place for place in every if place not in sizes.numeric], sizes.categories, strict=True))


def _vectors(weights: np.ndarray, first: int, sizes: Sizes) -> tuple[dict[str, list[np.ndarray]], np.ndarray]:
    """The vectors of categories, and the weights `(D, H)` that take them, of weights that have a row a category.

    The product of the two is the nearest there is to those rows of so narrow vectors (Eckart & Young 1936).
    """
    import numpy as np

    at, found = first + len(sizes.numeric), {}
    rows = [weights[:at]]
    for place, (count, width) in _with_categories(sizes).items():
        left, strength, right = np.linalg.svd(weights[at : at + count], full_matrices=False)
        root = np.sqrt(strength[:width])
        table, taken = np.zeros((count, width), np.float32), np.zeros((width, weights.shape[1]))
        table[:, : len(root)], taken[: len(root)] = left[:, :width] * root, root[:, None] * right[:width]
        found[f"{CATEGORY}{place}"] = [table]
        rows.append(taken)
        at += count
    return found, np.concatenate(rows)


LINEAR = Linear()
