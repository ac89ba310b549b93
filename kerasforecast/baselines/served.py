"""A classical model in the place of a network: what a choice serves where such a model was better on validation.

Nothing of it is kept but its name and season. Whoever forecasts has it fitted, by the extra `baselines`, to the history
at hand: to all rows of a table for the rows after it; for windows to be scored to the rows up to the first of them, and
then run on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

import numpy as np

from kerasforecast.baselines.classical import history_points, require_installed
from kerasforecast.errors import OptionError
from kerasforecast.forecasting.given import Given
from kerasforecast.forecasting.predictor import Predictor
from kerasforecast.models.families.classical import ClassicalOptions
from kerasforecast.models.member import Member
from kerasforecast.preprocessing.batch import WindowBatch
from kerasforecast.preprocessing.bound import bounded
from kerasforecast.preprocessing.windows import Windows


class HistoryPredictor(Predictor):
    """A `Predictor` without a network, which a window alone does not suffice.

    Args:
        members: The one that says which model it is.
    """

    def __init__(self, members: Sequence[Member]) -> None:
        super().__init__(members, ())
        options = self.members[0].network.options
        if not isinstance(options, ClassicalOptions):
            raise TypeError("A network forecasts from windows.")
        self._options = options

    def of_history(self, windows: Windows) -> np.ndarray:
        """Forecasts `(N, S)` of windows, by the model fitted to what was known at the first of each series.

        Raises:
            OptionError: The extra is not installed.
        """
        points = history_points(self._options.method, windows, self._options.season)
        return bounded(points, self.lowest)

    def require_installed(self) -> None:
        """Refuse where its package is absent.

        Raises:
            OptionError: It is.
        """
        require_installed(self._options.method)

    @property
    def network(self) -> NoReturn:  # type: ignore[override]
        """There is none.

        Raises:
            OptionError: Always.
        """
        self._refuse()

    def outputs(self, windows: Given) -> NoReturn:
        """See `network`."""
        self._refuse()

    def gradients(self, windows: Given, weights: np.ndarray) -> NoReturn:
        """See `network`."""
        self._refuse()

    def checked(self, windows: Given, steps: int | None = None) -> WindowBatch:
        """See `network`: whoever has windows alone has no history."""
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise OptionError(
            f"That needs a network. Received: a model that is {self.members[0].network.describe()}. Give data to "
            "forecast, or fit with --model auto without --baselines."
        )
