"""What stands around the networks of a fit: the parts of the data, what must be beaten, which intervals can be had."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kerasforecast.artifact.parent import Parent
from kerasforecast.baselines.classical import require_extra
from kerasforecast.baselines.fitted import Baselines, learn_baselines
from kerasforecast.config import Config
from kerasforecast.data.panel import Panel
from kerasforecast.errors import OptionError
from kerasforecast.evaluation.cold_start import Parts, seen_and_held_out
from kerasforecast.evaluation.context import with_window
from kerasforecast.evaluation.evaluation import scored_windows
from kerasforecast.evaluation.parent import unlearned
from kerasforecast.forecasting.forecaster import Forecaster
from kerasforecast.forecasting.levels import within_validation
from kerasforecast.forecasting.predictor import Predictor
from kerasforecast.forecasting.suited import settled
from kerasforecast.preprocessing.split import Split, split_panel
from kerasforecast.preprocessing.windows import Windows
from kerasforecast.sections.network import NetworkConfig


@dataclass(frozen=True, eq=False)
class Frame:
    """All of a fit that no network has a part in.

    Attributes:
        config: Of the fit, with those levels alone that validation can teach.
        panel: The data.
        split: How that is divided.
        parts: The windows that are scored, those of series held out apart.
        checked: Those that intervals are learned from.
        baselines: What must be beaten.
        parent: The model that training starts from, if any.
        said: What to say of levels that cannot be had, and of windows that the parent has learned from.
        learned: What it has learned of all windows that are scored, in a few words; `None` where it has not.
    """

    config: Config
    panel: Panel
    split: Split
    parts: Parts
    checked: Windows
    baselines: Baselines
    parent: Parent | None
    said: tuple[str, ...]
    learned: str | None

    def forecaster(self, predictor: Predictor) -> Forecaster:
        """What forecasts with `predictor`, without intervals yet."""
        context = min(self.split.context, predictor.window)
        return Forecaster(predictor, self.config, self.baselines.volatility, context=context)


def frame_of(config: Config, panel: Panel, parent: Parent | None = None) -> Frame:
    """The frame of a fit.

    Args:
        config: Its network's window is the longest that any network of the fit sees.
        panel: The data.
        parent: The model that training starts from, if any.

    Raises:
        InputError: The data or an option is wrong.
    """
    require_extra(config, panel)
    if config.training.sample == "series" and len(panel) == 1:
        raise OptionError("--sample series has no effect on one series. Received: 1 series. Leave it out.")
    config, chosen = with_window(config, panel)
    split = split_panel(panel, config.split, config.network, config.steps)
    network, suits = settled(config.network, panel, split)
    config = config.model_copy(update={"network": network})
    tested, checked = (scored_windows(config, panel, split, part) for part in ("test", "validation"))
    config, left_out = within_validation(config, split.windows_in("validation", config.steps))
    parts = seen_and_held_out(tested, config)
    parts, learned, beside = unlearned(parts, parent)
    baselines = learn_baselines(config, panel, split)
    said = tuple(filter(None, (chosen, suits, left_out, beside)))
    return Frame(config, panel, split, parts, checked, baselines, parent, said, learned)


def better_suited(config: Config, periods: Sequence[int]) -> str | None:
    """What suits a series with seasons better than the default, where that was asked for; else `None`.

    Args:
        config: Of the fit.
        periods: Rows of each season, ascending.
    """
    network = config.network
    usual = network.model == NetworkConfig.model_fields["model"].default and network.horizon == 1
    if not periods or not usual or network.quantiles:
        return None
    return f"A series with a season: --model auto --horizon {min(periods[0], 1_000)} chooses networks that suit it."
