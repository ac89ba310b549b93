"""The classical models that are asked for by name, on the windows that choose: what no file of networks can hold."""

from __future__ import annotations

from kerasforecast.artifact.selection import Beside
from kerasforecast.baselines.classical import classical_forecasts
from kerasforecast.baselines.fitted import learn_baselines
from kerasforecast.config import Config
from kerasforecast.data.panel import Panel
from kerasforecast.preprocessing.split import Split
from kerasforecast.selection.judging import Judge


def classical_beside(config: Config, panel: Panel, split: Split, judge: Judge) -> tuple[Beside, ...]:
    """What each is worth, fitted on training rows and run on to each window, as the networks are judged; best first.

    Args:
        config: Names them, as `--baselines`.
        panel: The data.
        split: Its validation part has the windows that choose.
        judge: These windows.
    """
    if not config.evaluation.baselines:
        return ()
    baselines = learn_baselines(config, panel, split)
    found = []
    for name, forecast in classical_forecasts(config, judge.windows, split.edges[:, 1], baselines).items():
        worth = judge.worth(judge.errors(forecast.point))
        found.append(Beside(name=name, mase=worth.mase, crps=worth.crps))
    return tuple(sorted(found, key=lambda each: each.loss))
