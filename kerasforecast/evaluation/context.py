"""How many rows a network sees where nobody says: two seasons, which a newcomer cannot guess."""

from __future__ import annotations

from kerasforecast.baselines.fitted import periods_of
from kerasforecast.baselines.periods import calendar_periods
from kerasforecast.config import Config
from kerasforecast.data.panel import Panel
from kerasforecast.preprocessing.split import Split, split_panel

_SEASONS = 2
_HORIZONS = 3  # where that is more than the seasons
_SHARE = 3  # of the training rows of the longest series a window is at most one part in so many
_LONGEST = 2_000
_NEXT = 10  # a season of the calendar counts, found or not, where it is up to so many of the longest found


def with_window(config: Config, panel: Panel) -> tuple[Config, str | None]:
    """`config` with the window that suits the seasons of the training rows, where none was given.

    Two of the longest season that fits once, or three horizons where these are more; without a season what `--window`
    has by default, or three horizons. Where hours have a day, their week counts, whether it stands out or not: on
    hourly prices, where it does not, two weeks in place of 60 rows took MASE from 0.77 to 0.54. A window is never more
    than a third of the training rows. Recurrent networks, whose seconds grow with the window, keep the default.

    Returns:
        The configuration, and what to say of it; `None` where nothing was chosen.

    Raises:
        DataError, OptionError: As `split_panel` and `periods_of`.
    """
    network = config.network
    if "window" in network.model_fields_set or not network.family.seasonal:
        return config, None
    return _suited(config, panel)


def with_window_of_rules(config: Config, panel: Panel) -> Config:
    """`config` of a choice among networks with a window as above, for the rules that stand beside what is chosen."""
    return _suited(config, panel)[0]


def _suited(config: Config, panel: Panel) -> tuple[Config, str | None]:
    network = config.network
    shortest = network.model_copy(update={"window": 2})
    split = split_panel(panel, config.split, shortest, config.steps)
    rows, horizon = int(split.rows_in("train").max()), network.horizon
    most = max(2, min((rows - horizon) // _SHARE, _LONGEST))
    periods = [period for period in seasons_of(config, panel, split) if period <= most]
    usual = _SEASONS * max(periods) if periods else network.window
    window = min(max(usual, _HORIZONS * horizon), most)
    chosen = config.model_copy(update={"network": network.model_copy(update={"window": window})})
    if window == most:
        reason = f"a third of the {rows:,} training rows" if most < _LONGEST else "the longest"
    elif periods and window == usual:
        reason = f"two seasons of {max(periods)}"
    elif window == usual:
        return chosen, None
    else:
        reason = f"three times the horizon of {horizon}"
    return chosen, f"Windows of {window} rows, {reason}; --window sets another."


def seasons_of(config: Config, panel: Panel, split: Split) -> list[int]:
    """Rows of each season that a window should hold: those found, then longer ones of the calendar beside them.

    Raises:
        OptionError: As `periods_of`.
    """
    found = list(periods_of(config.evaluation.period, panel, split))
    if not found or config.evaluation.period is not None:
        return found
    return found + [period for period in calendar_periods(panel.frequency) if period <= _NEXT * max(found)]
