"""Which prediction intervals a fit can give: those that its validation part has enough errors for, and no others."""

from __future__ import annotations

import numpy as np

from kerasforecast.config import Config
from kerasforecast.errors import DataError
from kerasforecast.forecasting.conformal import errors_needed, supported
from kerasforecast.metrics.probabilistic import central_intervals


def within_validation(config: Config, windows: int | np.ndarray) -> tuple[Config, str | None]:
    """The configuration with those levels alone that can be had, and what to say of the others.

    Args:
        config: Of the fit. The levels of a quantile head stay: they are the network's own.
        windows: Of the validation part, each of `config.steps` rows; of several series `(N,)`, how many each has.

    Returns:
        The configuration, the same one where all can be had, and a sentence where some are left out.

    Raises:
        DataError: None of the levels can be had.
    """
    each = np.atleast_1d(windows)
    rows = int((each + config.steps - 1)[each > 0].sum())  # that are forecast
    kept = supported(config.levels, rows, 1)
    if config.network.quantiles or kept == config.levels:
        return config, None
    absent = [level for level in config.levels if level not in kept]
    named = f"level{'s' if len(absent) > 1 else ''} {', '.join(f'{level:g}' for level in absent)}"
    if not kept:
        raise DataError(
            f"Prediction intervals of {named} need errors on {min(map(errors_needed, absent))} validation rows. "
            f"Received: {rows}. Use a larger --validation-fraction, or --levels nearer to 0.5."
        )
    needed = " and ".join(map(str, sorted(set(map(errors_needed, absent)), reverse=True)))
    wide = [nominal for nominal, low, high in central_intervals(config.levels) if config.levels[low] in absent]
    shares = f"of {' and '.join(f'{100 * nominal:g} %' for nominal in wide)} " if wide else ""
    return (
        config.model_copy(update={"evaluation": config.evaluation.model_copy(update={"levels": kept})}),
        f"Prediction intervals {shares}({named}) are left out: they need errors on {needed} validation rows, and "
        f"there are {rows}.",
    )
