"""The winner of a study and the untuned default, trained as a fit trains them and scored on the test part, once."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from kerasforecast.data.panel import Panel
from kerasforecast.evaluation.evaluation import outcomes_of, scored_windows
from kerasforecast.evaluation.rival import Rival
from kerasforecast.evaluation.scores import tally_of
from kerasforecast.forecasting.forecast import Forecast
from kerasforecast.model import Model
from kerasforecast.preprocessing.split import split_panel
from kerasforecast.tuning.record import Finished


@dataclass(frozen=True)
class Compared:
    """The winner beside the untuned default, on the same forecasts of the test part.

    Attributes:
        tuned, untuned: Their scores.
        rival: The test between them; `None` where the default is the winner.
    """

    tuned: Finished
    untuned: Finished
    rival: Rival | None

    @property
    def helped(self) -> bool:
        """Whether tuning made forecasts better, and the test says it is not luck."""
        return self.rival is not None and self.rival.status == "better"

    def sentence(self, trials: int) -> str:
        """What came of so many trials."""
        after = f"after {trials} trials chosen on validation"
        if self.rival is None:
            return f"Tuning did not help: {after}, the untuned options have the least error."
        if self.helped:
            return f"Tuning helped: {after}, the winner is {self.rival.text} on the test part."
        if self.rival.status == "worse":
            return f"Tuning did harm: {after}, the winner is {self.rival.text} on the test part."
        if self.rival.status == "too few to test":
            return f"Too few forecasts to tell whether tuning helped: {after}, the winner has {self.rival.text}."
        return f"Tuning did not help: {after}, the winner is {self.rival.text} on the test part."


def compared(tuned: Model, untuned: Model | None, panel: Panel) -> Compared:
    """Hold both against one another by squared errors on the origins that both forecast, with the test of a verdict.

    Args:
        tuned: The winner.
        untuned: Of the untuned options; `None` where these have won.
        panel: All rows.
    """
    ours = _finished(tuned)
    if untuned is None:
        return Compared(ours, ours, None)
    found = [_points(model, panel) for model in (tuned, untuned)]
    common = np.intersect1d(found[0][0], found[1][0])
    points = [forecasts[np.searchsorted(origins, common)] for origins, forecasts in found]
    config = untuned.config
    split = split_panel(panel, config.split, config.network, config.steps)
    windows = replace(scored_windows(config, panel, split, "test"), origins=common)
    outcomes = replace(outcomes_of(windows, untuned.manifest.baselines, split.trained), levels=())
    tallies = [tally_of(outcomes, Forecast(each)) for each in points]
    test = tallies[0].tests(tallies[1])[0]
    several = len(panel) > 1
    rmse = [each.scores()["rmsse" if several else "rmse"] for each in tallies]
    ratio = test.get("ratio") if several else None
    ratio = math.sqrt(ratio) if ratio is not None else (rmse[0] / rmse[1] if rmse[1] else None)
    rival = Rival(
        "the untuned default",
        ratio,
        test["p_value"],
        len(panel) if several else None,
        test.get("better"),
        test.get("over"),
        "RMSSE" if several else "RMSE",
    )
    return Compared(ours, _finished(untuned), rival)


def _points(model: Model, panel: Panel) -> tuple[np.ndarray, np.ndarray]:
    """Origins `(N,)` of the test part and the forecasts `(N, H)` from them, as they were scored."""
    config = model.config
    split = split_panel(panel, config.split, config.network, config.steps)
    origins = scored_windows(config, panel, split, "test").origins
    table = None if model.test is None else model.test.table
    if table is None or len(table) != len(origins) * config.steps:
        raise ValueError("The model was not scored on the test part of this panel.")
    return origins, table["forecast"].to_numpy(np.float64).reshape(len(origins), config.steps)


def _finished(model: Model) -> Finished:
    if model.test is None:
        raise ValueError("The model was not scored.")
    ours = model.test.scores["model"]
    return Finished(rmse=ours.get("rmse"), mase=ours.get("mase"), verdict=model.test.verdict)
