"""Forecasts by rule, in the graph of a saved network: there are no weights for steps to find.

past (B, L, C) -> the target's own values (B, L, 1) -> operations with constants -> forecasts (B, H)

`seasonal` repeats the last seasons; `theta` and `damped` smooth the window anew each time, and choose how much by their
errors within it (`kerasforecast.models.smoothing`). Alone they are what a network must beat. In an ensemble they steady
the others.

Quantiles lie around a forecast by gaps in units of the window's own errors; the gaps are solved for, as quantiles of
the errors on the training windows.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from kerasforecast.models.families.arithmetic import gaps_layers
from kerasforecast.models.families.base import Family, FamilyOptions, Graph, Inputs, Role, SavedLayer, Sizes

if TYPE_CHECKING:
    import numpy as np

    from kerasforecast.models.families.setting import Setting

_CHUNK = 1_024  # windows at once
_SMOOTHED = 400  # rows of a window that is proposed, unless three seasons take more
_MOST = 20_000  # windows, evenly spread, whose errors are looked at


class SeasonalOptions(FamilyOptions):
    """Options of the seasonal rule."""

    season: int = Field(1, ge=1, le=10_000, description="Rows of a season; 1 for none.")
    seasons: int = Field(1, ge=1, le=1_000, description="Past seasons whose mean is repeated.")
    drift: bool = Field(False, description="Add what the window has changed by a row, over and over.")


class SmoothingOptions(FamilyOptions):
    """Options of the families that smooth."""

    season: int = Field(1, ge=1, le=10_000, description="Rows of a season; 1 for none.")
    seasonality: Literal["multiplicative", "additive"] = Field(
        "multiplicative",
        description="What a season does: raises by a share, where all values of a window are positive, or adds.",
    )


class Untrained(Family):
    """A rule; subclasses say which."""

    solved = True
    trained = False
    stages: ClassVar = {}  # no option of training has an effect
    alone = True
    refitted = False
    scalings = ("none", "level")
    recipe: ClassVar = {"scaling": "none"}
    vocabulary = frozenset({("keras.src.ops.nn", "Softmax")})

    @abstractmethod
    def forecast(self, options: Any, sizes: Sizes, past: Any, xp: Any) -> tuple[Any, Any]:
        """Forecasts `(B, H)` of the target's windows `(B, L, 1)`, and the size of an error of each `(B, 1)`.

        Args:
            options: The family's own.
            sizes: What it takes and gives.
            past: Scaled windows.
            xp: NumPy or `keras.ops`.

        Returns:
            Both in scaled units; forecasts as distances from the windows' last row.
        """

    def layers(self, options: Any, sizes: Sizes) -> list[SavedLayer]:
        """The gaps between quantiles, where there are some."""
        return gaps_layers(1, sizes)

    def widest(self, options: Any, sizes: Sizes) -> int:
        """Whole seasons over the window or the horizon, and smoothings side by side."""
        from kerasforecast.models.smoothing import TRIED

        return max(max(sizes.window, sizes.horizon) + options.season, TRIED)

    def build(self, options: Any, sizes: Sizes, inputs: Inputs, role: Role, seed: int) -> Graph:
        """Operations alone, and the gaps."""
        import keras

        from kerasforecast.models.heads import around

        target = inputs.past[:, :, :1]
        ahead, unit = self.forecast(options, sizes, target, keras.ops)
        last = target[:, -1]  # (B, 1)
        if len(sizes.levels) < 2:
            return Graph(around(last + ahead, ahead, sizes))
        unit = keras.ops.maximum(unit, 1e-20)
        gaps = around(keras.ops.zeros_like(ahead), keras.ops.zeros_like(unit), sizes)  # (B, H, K) around 0
        points = keras.layers.Reshape((sizes.horizon, 1), name="ahead")(last + ahead)
        return Graph(points + gaps * keras.layers.Reshape((1, 1), name="unit")(unit))

    def solve(self, options: Any, sizes: Sizes, training: Any, validation: Any) -> dict[str, list[np.ndarray]] | None:
        """The gaps that the errors on training windows ask for."""
        import numpy as np

        from kerasforecast.models.heads import raw_gaps

        if len(sizes.levels) < 2:
            return None
        found, stride = [], -(-len(training) // _MOST)
        for start in range(0, len(training), _CHUNK * stride):
            part = slice(start, start + _CHUNK * stride, stride)
            target = training.batch(part).past[:, :, :1]
            ahead, unit = self.forecast(options, sizes, target, np)
            sized = unit[:, 0] > 0  # a window without any error has no unit
            errors = training.targets[part] - target[:, -1] - ahead  # (n, H)
            found.append(errors[sized].astype(np.float64) / unit[sized])
        errors = np.concatenate(found)
        if not len(errors):
            return None
        errors -= np.median(errors, axis=0)  # the forecast itself is the median
        gaps = raw_gaps(np.quantile(errors, sizes.levels, axis=0).T)  # (H, K - 1)
        return {"gaps": [np.zeros((1, gaps.size), np.float32), gaps.ravel().astype(np.float32)]}


class Seasonal(Untrained):
    """The last seasons over again."""

    name = "seasonal"
    options: ClassVar[type[FamilyOptions]] = SeasonalOptions

    def least_window(self, options: SeasonalOptions, horizon: int) -> int:
        """The seasons that it repeats, and a row to see a change by."""
        return max(2, options.season * options.seasons + options.drift)

    def forecast(self, options: SeasonalOptions, sizes: Sizes, past: Any, xp: Any) -> tuple[Any, Any]:
        """`x[t + h] = mean over j of x[t + h - j m] + drift j m`, the drift a mean change within the window."""
        import numpy as np

        from kerasforecast.models.smoothing import repeated

        season, seasons, window = options.season, options.seasons, sizes.window
        values = (past - past[:, -1:])[:, :, 0]  # (B, L)
        block = values[:, window - season :]
        for back in range(2, seasons + 1):
            block = block + values[:, window - back * season : window - (back - 1) * season]
        block = block / np.float32(seasons)
        ahead = repeated(block, sizes.horizon, "season", xp)
        apart = season if window > season else 1
        changes = values[:, apart:] - values[:, :-apart]
        unit = xp.sqrt(xp.sum(changes * changes, axis=1, keepdims=True) / (window - apart))
        if options.drift:
            first, last = values[:, :season], values[:, window - season :]
            rate = xp.sum(last - first, axis=1, keepdims=True) / np.float32(season * (window - season))  # a row
            away = (np.arange(sizes.horizon) // season + (seasons + 1) / 2) * season  # (H,) rows back, on average
            ahead = ahead + rate * away.astype(np.float32)[None]
        return ahead, unit

    def proposals(self, setting: Setting) -> list[dict[str, Any]]:
        """The last value; the last one of each season, and the mean of a few."""
        found: list[dict[str, Any]] = [{"window": 2}]
        for season in reversed(setting.periods):
            for seasons in (1, 3):
                if (window := max(2, season * seasons)) <= setting.longest:
                    found.append({"window": window, "season": season, "seasons": seasons})
        return found

    def describe(self, options: SeasonalOptions) -> str:
        """E.g. `"the last season of 12 rows over again"`."""
        what = "the last value" if options.season == 1 else f"the last season of {options.season} rows"
        if options.seasons > 1:
            rows = f"{options.season} rows" if options.season > 1 else "a row"
            what = f"the mean of the last {options.seasons} seasons of {rows}"
        return f"{what} over again{', with drift' if options.drift else ''}"


class Smoothing(Untrained):
    """A smoothing of the seasonally adjusted window; subclasses say which."""

    options: ClassVar[type[FamilyOptions]] = SmoothingOptions
    title: ClassVar[str]

    def least_window(self, options: SmoothingOptions, horizon: int) -> int:
        """Three seasons: with fewer, chance and season look alike."""
        return max(3, 3 * options.season if options.season > 1 else 0)

    def proposals(self, setting: Setting) -> list[dict[str, Any]]:
        """Over as many seasons as there are, up to eight; of the longest season and of the shortest."""
        found: list[dict[str, Any]] = []
        for season in dict.fromkeys((*setting.periods[-1:], *setting.periods[:1])):
            window = min(8 * season, max(3 * season, _SMOOTHED), setting.longest)
            if window >= 3 * season:
                kind = "multiplicative" if setting.positive else "additive"
                found.append({"window": window, "season": season, "seasonality": kind})
        return found or [{"window": max(3, min(60, setting.longest))}]

    def describe(self, options: SmoothingOptions) -> str:
        """E.g. `"Theta, season of 12 rows"`."""
        kind = "additive " if options.seasonality == "additive" else ""
        return f"{self.title}, {kind}season of {options.season} rows" if options.season > 1 else self.title


class Theta(Smoothing):
    """The Theta method."""

    name = "theta"
    title = "Theta"

    def forecast(self, options: SmoothingOptions, sizes: Sizes, past: Any, xp: Any) -> tuple[Any, Any]:
        """See `kerasforecast.models.smoothing.theta`."""
        from kerasforecast.models.smoothing import theta

        return theta(past, options.season, sizes.horizon, options.seasonality == "multiplicative", xp)


class Damped(Smoothing):
    """Smoothing with a trend, damped or not, or with none."""

    name = "damped"
    title = "smoothing with a trend"

    def forecast(self, options: SmoothingOptions, sizes: Sizes, past: Any, xp: Any) -> tuple[Any, Any]:
        """See `kerasforecast.models.smoothing.damped`."""
        from kerasforecast.models.smoothing import damped

        return damped(past, options.season, sizes.horizon, options.seasonality == "multiplicative", xp)


FAMILIES = (Seasonal(), Theta(), Damped())
