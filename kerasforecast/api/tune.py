"""`kerasforecast.tune`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal

from kerasforecast.api.options import default, given
from kerasforecast.errors import callers_words

if TYPE_CHECKING:
    from kerasforecast.data.panel import Panel
    from kerasforecast.data.series import Series
    from kerasforecast.data.table.given import Given
    from kerasforecast.tuning.study import Study


@callers_words()
def tune(
    data: str | PathLike | Given | Panel | Series | None = None,
    *,
    # Written by `python -m tests.signatures`, from here
    # Data
    ticker: str | None = default(None),
    start: str | dt.date | None = default(None),
    end: str | dt.date | None = default(None),
    interval: str = default("1d"),
    offline: bool = default(False),
    timeout: float = default(30.0),
    snapshot: str | None = default(None),
    max_age: float = default(12.0),
    target: str | None = default(None),
    targets: Sequence[str] = default(()),
    date_column: str | None = default(None),
    id: str | None = default(None),
    series: str | int | None = default(None),
    past: Sequence[str] = default(()),
    known: Sequence[str] = default(()),
    static: Sequence[str] = default(()),
    calendar_features: Sequence[str] = default(()),
    holidays: str | None = default(None),
    time_zone: str | None = default(None),
    missing: Literal["error", "drop", "ffill", "interpolate"] = default("error"),
    duplicates: Literal["error", "last", "first", "mean"] = default("error"),
    calendar: str | None = default(None),
    separator: str | None = default(None),
    encoding: str | None = default(None),
    decimal: Literal[".", ","] | None = default(None),
    thousands: Literal[",", ".", " ", "'"] | None = default(None),
    date_format: str | None = default(None),
    # Split
    train_fraction: float = default(0.7),
    validation_fraction: float = default(0.15),
    validation_start: str | dt.date | None = default(None),
    test_start: str | dt.date | None = default(None),
    validation_rows: int | None = default(None),
    test_rows: int | None = default(None),
    min_rows: int | None = default(None),
    holdout_series: float = default(0.0),
    # Network
    model: str = default("lstm"),
    window: int = default(60),
    horizon: int = default(1),
    scaling: Literal["auto", "anchor", "difference", "level", "minmax", "standard", "none"] = default("anchor"),
    centre: Literal["last", "mean"] = default("mean"),
    unit: Literal["change", "spread"] = default("spread"),
    target_transform: Literal["none", "log", "sqrt", "asinh"] = default("none"),
    quantiles: Sequence[float] = default(()),
    lower_bound: Literal["auto", "none"] | float = default("auto"),
    units: int = default(50),
    layers: int = default(2),
    bidirectional: bool = default(False),
    norm: Literal["none", "layer", "batch"] = default("none"),
    dropout: float = default(0.2),
    readout: Literal["last", "rows"] = default("last"),
    initializer: Literal["keras", "he", "orthogonal", "torch"] = default("keras"),
    recurrent_bias: bool = default(True),
    trend: int = default(0),
    blocks: int = default(3),
    block_layers: int = default(2),
    basis: Literal["generic", "interpretable"] = default("generic"),
    degree: int = default(2),
    harmonics: int = default(0),
    stacks: int = default(3),
    pool: int = default(8),
    patch: int = default(16),
    width: int = default(32),
    heads: int = default(4),
    decoder: int = default(8),
    noise_steps: int = default(200),
    schedule: Literal["cosine", "linear"] = default("cosine"),
    objective: Literal["noise", "flow"] = default("noise"),
    sampling_steps: int = default(16),
    paths: int = default(100),
    season: int = default(1),
    seasons: int = default(1),
    drift: bool = default(False),
    seasonality: Literal["multiplicative", "additive"] = default("multiplicative"),
    # Training
    epochs: int = default(100),
    batch_size: int = default(32),
    sample: Literal["windows", "series"] = default("windows"),
    steps_per_epoch: int | None = default(None),
    optimizer: Literal["adam", "sgd", "rmsprop"] = default("adam"),
    learning_rate: float = default(0.001),
    loss: Literal["mse", "mae", "huber"] = default("mse"),
    clipnorm: float | None = default(None),
    patience: int = default(10),
    lr_patience: int = default(5),
    lr_factor: float = default(0.5),
    final: Literal["all", "none"] | None = default(None),
    seed: int = default(0),
    # Scores and intervals
    levels: Sequence[float] = default((0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)),
    mc_dropout: int = default(0),
    period: int | None = default(None),
    steps: int | None = default(None),
    baselines: Sequence[Literal["trees", "linear", "auto_ets", "auto_arima", "theta"]] = default(()),
    # to here.
    stages: Sequence[str] = (),
    tries: Mapping[str, str | Sequence[Any]] | None = None,
    search: bool = False,
    trials: int | None = None,
    time: str | float | None = None,
    objectives: Literal["error", "error,seconds"] = "error",
    measure: Literal["rmsse", "mase"] = "rmsse",
    seeds: int = 1,
    rounds: int = 1,
    ray: str | None = None,
    name: str | None = None,
    output_dir: str | PathLike | None = None,
    progress: bool | None = None,
    backend: str | None = None,
    threads: int | None = None,
    **others: Any,
) -> Study:
    """Choose options on validation, train the winner, and say whether that helped on the test part.

    Every option that is given stays, unless it is among those that are varied. Trials see no row of the test part.

    Args:
        data: Path of a table, a DataFrame or pandas Series, a `kerasforecast.Panel` or `Series`; with neither it
            nor `ticker` the embedded IBM prices are walked.
        ticker: Yahoo Finance symbol to download, e.g. AAPL; several with commas between are a panel.
        start: First date of the rows to use.
        end: Last date of the rows to use.
        interval: Bar length of downloaded prices, e.g. 1d, 1wk, 1h.
        offline: Use the kept snapshot of a ticker; never touch the network.
        timeout: Seconds a download may take altogether.
        snapshot: First digits of the SHA-256 of a kept snapshot: use exactly those prices.
        max_age: Hours a kept snapshot of a ticker serves without asking again.
        target: Column to forecast; found by its name when not given.
        targets: Columns to forecast, each a series of its own; all for all of them.
        date_column: Column of dates, or Date,Time for two columns; found when not given.
        id: Column that names the series of a row, or A,B for several columns.
        series: Which series of `id` to take; all when not given.
        past: Further columns that the network sees, known until now.
        known: Columns known for the rows to be forecast too, such as prices that are set.
        static: Columns of one value a series, numbers or categories, such as a region.
        calendar_features: What the network sees of each date, e.g. hour,weekday; auto for what suits the step.
        holidays: Country whose holidays the network sees ahead, e.g. BR, or a part of it, e.g. AU-VIC.
        time_zone: Zone whose clocks people go by, e.g. Australia/Melbourne, for hours and holidays of dates in UTC.
        missing: What to do with rows that lack a value.
        duplicates: What to do with several rows of one date.
        calendar: Trading calendar of the dates, e.g. XNYS, BVMF, 24/7.
        separator: Character between columns; detected when not given.
        encoding: Text encoding of the table; detected when not given.
        decimal: Decimal mark of numbers; detected when not given.
        thousands: Mark between the thousands of numbers; taken to be absent when not given.
        date_format: Format of dates as strptime takes it, e.g. %d/%m/%Y; detected when not given.
        train_fraction: Share of the rows, the first ones, that the weights are learned from.
        validation_fraction: Share of the rows, those after training, that stop it and calibrate the intervals.
        validation_start: First date of the validation part, instead of the shares.
        test_start: First date of the test part, instead of the shares.
        validation_rows: Rows of validation of each series, instead of the shares.
        test_rows: Rows of test of each series, its last ones, instead of the shares.
        min_rows: Rows of its own that a series needs before a forecast; they are mirrored up to `window`. When not
            given: the window for one series, few for several.
        holdout_series: Share of the series that training never sees, scored as new ones.
        model: Network family; auto chooses.
        window: Rows of history that the network sees for a forecast.
        horizon: Rows ahead that the network forecasts at once.
        scaling: How raw values become what the network sees, and back; auto chooses on validation.
        centre: What `scaling` level subtracts from a window: its last row or mean.
        unit: What `scaling` level divides by: a window's mean absolute change, or its spread.
        target_transform: What `scaling` level takes the target by; log needs positive values, asinh none.
        quantiles: Levels of a quantile head, e.g. 0.1,0.5,0.9; 0.5 is always among them, and none means points.
        lower_bound: What no forecast lies below; auto is 0 where the target has zeros and nothing below.
        units: Hidden units of each recurrent layer. Only for lstm, gru, rnn, peephole, coupled, nbeats, nhits, tide,
            diffusion.
        layers: Number of recurrent layers, one upon the other. Only for lstm, gru, rnn, peephole, coupled, patch, tide.
        bidirectional: Whether each layer reads a window forwards and backwards. Only for lstm, gru, rnn, peephole,
            coupled.
        norm: Normalisation between the layers. Only for lstm, gru, rnn, peephole, coupled.
        dropout: Share of values dropped in training, between the layers and before the output. Only for lstm, gru, rnn,
            peephole, coupled, nbeats, nhits, patch, tide.
        readout: What a forecast is read from: the last hidden state, or for each row ahead that of one horizon before
            it, through a dense layer that all rows share. Only for lstm, gru, rnn, peephole, coupled.
        initializer: How the weights are drawn before training. Only for lstm, gru, rnn, peephole, coupled.
        recurrent_bias: Whether an LSTM layer trains a second bias vector, as PyTorch does. Only for lstm.
        trend: Rows of the moving average with weights of its own, as in DLinear; 0 for none. Only for linear.
        blocks: Blocks of each stack. Only for nbeats, nhits, diffusion.
        block_layers: Dense layers of each block. Only for nbeats, nhits.
        basis: What the parts of a forecast are drawn from: free sums, or a trend and a season. Only for nbeats.
        degree: Of the polynomials of an interpretable trend. Only for nbeats.
        harmonics: Waves of an interpretable season; 0 for half the horizon. Only for nbeats.
        stacks: Stacks, each of which looks at the window more closely. Only for nhits.
        pool: Rows that the first stack pools; the last pools none. Only for nhits.
        patch: Rows of a patch. Only for patch.
        width: Numbers that stand for a patch. Only for patch.
        heads: Heads of the attention; they share the width. Only for patch.
        decoder: Numbers that the decoder makes of each row to be forecast. Only for tide.
        noise_steps: Steps in which a path becomes noise in training. Only for diffusion.
        schedule: How the noise grows over these steps. Only for diffusion.
        objective: What training predicts: the noise, or the speed. Only for diffusion.
        sampling_steps: Steps in which noise becomes a path in a forecast. Only for diffusion.
        paths: Paths of a forecast. Only for diffusion.
        season: Rows of a season; 1 for none. Only for seasonal, theta, damped.
        seasons: Past seasons whose mean is repeated. Only for seasonal.
        drift: Add what the window has changed by a row, over and over. Only for seasonal.
        seasonality: What a season does: raises by a share, where all values of a window are positive, or adds. Only for
            theta, damped.
        epochs: Most passes over the training windows; early stopping may end before.
        batch_size: Windows in one step of the optimizer.
        sample: What counts alike in training: every window, or every series, however many windows it has.
        steps_per_epoch: Optimizer steps of an epoch, over other windows each time, or all again where they are few;
            when not given, all windows pass once.
        optimizer: Optimizer that changes the weights.
        learning_rate: Learning rate of the optimizer at the start.
        loss: Loss that training lowers, in scaled units.
        clipnorm: Largest global norm of a step's gradient; not clipped when not given.
        patience: Epochs without better validation loss before stopping.
        lr_patience: Epochs without better validation loss before a lower rate.
        lr_factor: What the learning rate is multiplied by when it is lowered.
        final: Rows that the weights which leave are trained on once more, after scoring: all of them, or none anew.
            When not given: all for several series, none for one of a recurrent network.
        seed: Seed of the starting weights, of dropout, and of the order of windows.
        levels: Quantile levels of the prediction intervals, where `quantiles` does not give them.
        mc_dropout: Forecasts made with dropout on, whose spread the prediction intervals start from; 0 for none.
        period: Rows of one season of the series, 1 for none; found when not given.
        steps: Rows ahead to score, beyond `horizon` with forecasts as inputs; the horizon when not given.
        baselines: Models that stand beside the simple baselines: trees, linear; and auto_ets, auto_arima, theta, which
            need the extra `baselines`, and time.
        stages: Options to vary, in order, one after another or in a search; the family's own when not given: for
            recurrent networks learning_rate, units, layers, dropout, batch_size.
        tries: Values by option in place of those, e.g. `{"units": [32, 64]}`; for a search also ranges and choices,
            `{"dropout": "0.0..0.5", "window": "30|60|120"}`.
        search: Let Optuna choose all options at once, within ranges; it needs the extra `tune`.
        trials: Of a search, beside the untuned one; 30 when neither they nor `time` are given.
        time: After which no further trial begins, e.g. `"10m"`, or seconds.
        objectives: What a search makes small: errors, or errors and seconds of training.
        measure: The error on validation that decides, in units of the changes of training.
        seeds: With how many each trial is made; its error is their mean.
        rounds: Pieces of the validation part, each judged by a network of its own that learned from what lies before.
        ray: Have Ray make the trials of a stage: `"local"` on this machine's cores, or the address of a cluster.
        name: Name of the model and its files; that of the data when not given, and then no files that came out of
            another table are replaced.
        output_dir: Folder for the model, and in `NAME/tune/` for the study; finished trials are kept there, with which
            the same call goes on after an interruption. Nothing is written when not given.
        progress: Whether to show each trial; when not given, on a terminal and in a notebook.
        backend: What computes, `"jax"`, `"tensorflow"` or `"torch"`; it can be chosen only before Keras has loaded.
        threads: Threads to compute with, where 1 makes runs bit-equal; to be chosen before Keras has loaded too.
        **others: Options of a family that is not among those above; an unknown one is an error.

    Returns:
        The study: its `best` model, all its `trials`, its `verdict` and `plot()`.

    Raises:
        kerasforecast.InputError: The data, an option or the backend is wrong.
        kerasforecast.LockedError: Another process tunes or trains a model of this name.

    Example:
        >>> import kerasforecast as kf
        >>> study = kf.tune(end="2002-01-01", window=8, layers=1, epochs=1, stages=["units"], tries={"units": [2, 4]})
        >>> study.trials["units"].tolist()
        [2, 4, 50]
    """
    options = given(
        {name: value for name, value in locals().items() if name != "time"}
    )  # the search's, not the network's
    from kerasforecast.api.asked import split_data
    from kerasforecast.api.studies import StudyRequest, carry_out_study
    from kerasforecast.runtime.files import user_path

    frame, options = split_data(data, options)
    request = StudyRequest(
        options=options,
        frame=frame,
        stages=(stages,) if isinstance(stages, str) else tuple(stages),
        tries=dict(tries or {}),
        search=search,
        trials=trials,
        time=time,
        objectives=objectives,
        measure=measure,
        seeds=seeds,
        rounds=rounds,
        ray=ray,
        name=name,
        output_dir=None if output_dir is None else user_path(output_dir),
        progress=progress,
        backend=backend,
        threads=threads,
    )
    return carry_out_study(request)
