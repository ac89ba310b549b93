"""How a model is asked to explain itself: the part of `kerasforecast.Model` that does."""

from __future__ import annotations

from collections.abc import Callable
from os import PathLike
from typing import TYPE_CHECKING

import pandas as pd

from kerasforecast.artifact.inputs import Data
from kerasforecast.artifact.manifest import Manifest
from kerasforecast.data.future import with_future
from kerasforecast.data.panel import Panel
from kerasforecast.errors import callers_words

if TYPE_CHECKING:
    from kerasforecast.explain.explanation import Explanation
    from kerasforecast.forecasting.predictor import Predictor


class Explaining:
    """The part of `kerasforecast.Model` that says why.

    Attributes:
        manifest: Of the model.
        predictor: Its network.
        panel_from: The series in what a user gives.
    """

    manifest: Manifest
    predictor: Predictor
    panel_from: Callable[..., Panel]

    @callers_words()
    def explain(
        self,
        data: Data = None,
        at: object = None,
        *,
        future: str | PathLike | pd.DataFrame | None = None,
        memory: bool = False,
        **options: object,
    ) -> Explanation:
        """Say why a forecast is what it is, what the model makes of its data, and what goes on inside it.

        Args:
            data: Path, DataFrame, `Panel` or `Series`; the training data where none is given. Of several series the
                first is explained, or the one that `series` names.
            at: The last date, or integer step, that the forecast knows; the last row where not given.
            future: As in `forecast`.
            memory: Whether to train small networks that show how far each kind remembers; it takes a few minutes.
            **options: Fields of `DataConfig`, e.g. `ticker="IBM"`; an unknown one is an error.

        Returns:
            Its `lines` say it in words and its `table` in numbers; `save("why.html")` writes a page that needs no
            network.

        Raises:
            DataError: There are too few rows up to there, or the data is not at hand.
            OptionError: `at` is no date or step of the series.
        """
        from kerasforecast.explain.explanation import explain

        panel = self.panel_from(data, **options)
        if future is not None:
            panel = with_future(panel, future, self.manifest.horizon, self.manifest.config.data)
        return explain(self.manifest, self.predictor, panel, at, memory=memory)
