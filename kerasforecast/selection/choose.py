"""The fit of `--model auto`: what is tried, what is chosen, and the model that comes of it.

How it stays honest. Trainings are stopped and shares are chosen on validation, on other windows of it where there are
enough (`judging`); test rows are seen by nobody until the scores. Where validation is short, networks are tried on an
earlier and longer stretch of it, cut out of training; those chosen are then trained on the whole training part for the
steps that stretch had chosen, so that the errors on validation, from which the intervals come, are of rows that neither
stopped nor chose them. The mean of networks is set beside classical models by what it is worth block by block, with
shares chosen on the other blocks (`weights`). Scores are of the model before it is trained on all rows.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from kerasforecast.artifact.recorder import identity_of
from kerasforecast.artifact.selection import Selection, Tried, judging_windows
from kerasforecast.baselines.classical import require_extra
from kerasforecast.baselines.fitted import periods_of
from kerasforecast.config import Config
from kerasforecast.data.panel import Panel
from kerasforecast.errors import DivergedError, InputError
from kerasforecast.evaluation.context import seasons_of
from kerasforecast.evaluation.frame import frame_of
from kerasforecast.evaluation.leaving import Leaving, begin_joined
from kerasforecast.forecasting.parts import Part, predictor_of, weighted
from kerasforecast.models.families.automatic import AutomaticOptions
from kerasforecast.models.limits import check_size
from kerasforecast.models.member import scaling_words
from kerasforecast.preprocessing.bound import bound_note
from kerasforecast.preprocessing.split import PARTS, Split, least_context, require_windows, split_panel
from kerasforecast.runtime.signals import Deferred
from kerasforecast.runtime.tasks import Executor
from kerasforecast.selection.bending import bending_of
from kerasforecast.selection.beside import classical_beside
from kerasforecast.selection.budgets import Clock, budget_of
from kerasforecast.selection.candidates import candidates_of, setting_of
from kerasforecast.selection.judging import Judge, Worth, judge_of, stretched
from kerasforecast.selection.keeping import Store
from kerasforecast.selection.rounds import Bench, Trial, ranked
from kerasforecast.selection.served import in_points, served
from kerasforecast.selection.spread import all_retrained
from kerasforecast.selection.weights import left_out, shares
from kerasforecast.training.run import Run

Say = Callable[[str], None]

_AGAIN = 2  # networks of which further starts are trained, where it is short
_CLEARLY = 0.97  # of the naive forecast's root mean squared error, that a mean must stay below to be called better
_NAIVE = 0.9  # the share of the naive forecast where nothing is
_WORTH = 0.02  # the least share of another beside it


@dataclass(frozen=True, eq=False)
class Chosen:
    """The networks of a model, the one with the largest share first.

    Attributes:
        parts: They, with their shares.
        best: The best single network.
        selection: How they were chosen.
    """

    parts: list[Part]
    best: Part
    selection: Selection


def fit_chosen(
    config: Config,
    panel: Panel,
    name: str,
    run: Run | None,
    stop: Deferred,
    say: Say,
    started: Callable[[Split], None],
    workers: Executor | None = None,
) -> Leaving:
    """Choose networks on validation, score their mean on test, and train them on all rows.

    Args:
        config: Its network is a choice, `--model auto`.
        panel: The data.
        name: The model's.
        run: Where to keep what has been tried; also what to resume.
        stop: Notes the signals that are to end it.
        say: Told what a person should know.
        started: Told how the data is divided, before anything is tried.
        workers: Who trains the networks, several at once; this process, where `None`.

    Raises:
        InputError: The data or an option is wrong, or not those of the run to be resumed.
        StoppedError: A signal ended it.
    """
    require_extra(config, panel)
    chosen = choose(config, panel, name, run, stop, say, started, workers)
    window = max(part.member.network.window for part in chosen.parts)
    longest = max(window, chosen.best.member.network.window)
    network = config.network.model_copy(update={"window": window})
    config = config.model_copy(update={"network": network})
    classical = chosen.selection.served
    frame = frame_of(in_points(config) if classical else config, panel)
    for line in (*frame.said, *bound_note(chosen.parts[0].member.scaling.lowest)):
        say(line)
    if classical:
        networks = {"networks": predictor_of(chosen.parts)}
        return served(classical, frame, name, chosen.selection, networks)
    begun = begin_joined(frame, name, None, chosen.parts)
    alone = chosen.best if len(chosen.parts) > 1 and longest == window else None
    leaving = begun.scored(chosen.parts, chosen.selection, alone)
    if begun.refits:
        steps = sum(part.replayed for part in chosen.parts if not part.member.network.family.solved)
        rows = f"all {panel.observed.sum():,} rows"
        say(f"Scored; training on {rows} for {steps:,} steps." if steps else f"Scored; solving anew for {rows}.")
        leaving = begun.refitted(leaving, chosen.parts, stop, workers)
    return leaving


def choose(
    config: Config,
    panel: Panel,
    name: str,
    run: Run | None,
    stop: Deferred,
    say: Say,
    started: Callable[[Split], None],
    workers: Executor | None = None,
) -> Chosen:
    """The networks of a model, chosen on validation; arguments as of `fit_chosen`."""
    shortest = config.network.model_copy(update={"window": 2})
    split = split_panel(panel, config.split, shortest, config.steps)
    started(split)
    store = Store(run, identity_of(name, config, panel), panel.source.sha256)
    return choose_within(config, panel, split, store, stop, say, workers)


def choose_within(
    config: Config,
    panel: Panel,
    split: Split,
    store: Store,
    stop: Deferred,
    say: Say,
    workers: Executor | None = None,
) -> Chosen:
    """The same of data that is divided already: `split` says what is learned from, and what validates.

    Raises:
        InputError: The data is too short for what is to be tried.
        StoppedError: A signal ended it.
    """
    options, begun = config.network.options, time.perf_counter()
    if not isinstance(options, AutomaticOptions):
        raise TypeError("Only a choice among networks can choose.")
    clock, budget = Clock(options.seconds), budget_of(options)
    periods = periods_of(config.evaluation.period, panel, split)
    stretch = stretched(split, config.network.horizon) if len(panel) == 1 else None
    trying = stretch or split
    seasons = tuple(dict.fromkeys(sorted(seasons_of(config, panel, split))))
    period = periods[0] if periods else 1
    setting = setting_of(config, panel, trying, seasons)
    bending = bending_of(config, panel, trying, setting, budget, period)
    if bending.words:
        say(bending.words)
    setting = replace(setting, transform=bending.settled)
    candidates = candidates_of(config, setting, budget, int(trying.windows_in("train").sum()))
    longest = max(candidate.network.window for candidate in candidates)
    context = least_context(config.split, longest, several=len(panel) > 1)
    trying, split = (replace(each, window=longest, context=context) for each in (trying, split))
    for part in PARTS:
        if split.rows_in(part).any():  # a fold has no test part
            require_windows(panel, split, part)
    judge = judge_of(trying, panel, config.levels, period, honest=stretch is None)
    families = len({candidate.network.model for candidate in candidates})
    judging = judging_windows(len(judge.windows), judge.count, longer=stretch is not None)
    say(f"Trying {len(candidates)} networks of {families} families, judged on {judging}.")
    again = (stretch is not None) + (config.training.final != "none")
    bench = Bench(panel, trying, judge, store, clock, stop, say, workers, again)
    trials = bench.run(candidates, budget)
    if not trials:
        raise DivergedError("No network of --model auto could be trained. Lower --learning-rate, or use --model lstm.")
    if stretch:
        trials = ranked([*trials, *bench.more(trials, _AGAIN, budget.seeds, budget.rounds)])
    weights, text, worth = _joined(judge, trials)
    parts = {place: trial.part() for place, trial in enumerate(trials) if weights[place] > 0 or place == 0}
    if stretch:
        retrained = all_retrained(workers, list(parts.values()), panel, split, stop)
        parts = dict(zip(parts, retrained, strict=True))
    members = weighted([parts[place] for place in sorted(parts)], [weights[place] for place in sorted(parts)])
    beside = classical_beside(config, panel, trying, judge)
    selection = _record(judge, trials, weights, worth, text, time.perf_counter() - begun)
    found = {"beside": beside, "longer": stretch is not None}
    return Chosen(members, parts[0], selection.model_copy(update=found))


def _joined(judge: Judge, trials: Sequence[Trial]) -> tuple[np.ndarray, str, Worth]:
    """The share of each trial, what was decided in a sentence, and what a mean so chosen is worth elsewhere."""
    errors = np.stack([trial.errors for trial in trials if trial.errors is not None])
    choosing = partial(_shares, trials=trials)
    weights, text = choosing(judge, errors)
    return weights, text, left_out(judge, errors, lambda *seen: choosing(*seen)[0])


def _shares(judge: Judge, errors: np.ndarray, trials: Sequence[Trial]) -> tuple[np.ndarray, str]:
    """The share of each trial, by its `errors` `(M, N, H)` on windows, and what was decided in a sentence."""
    families = [trial.candidate.network.model for trial in trials]
    found = _within_limits(trials, shares(judge, errors, families))
    mean = np.tensordot(found, errors, axes=1)
    naive = judge.errors(np.repeat(judge.windows.last()[:, None], judge.actual.shape[1], axis=1))
    ratio = float(np.sqrt(np.mean(mean**2) / np.mean(naive**2)))
    alike = [place for place, each in enumerate(errors) if np.allclose(each, naive, atol=1e-4)]
    count = int((found > 0).sum())
    text = f"The mean of {count} networks." if count > 1 else "One network alone was the best."
    if ratio < _CLEARLY or not alike:
        return found, text
    shrunk = (1 - _NAIVE) * found
    shrunk[alike[0]] += _NAIVE
    shrunk[shrunk < _WORTH] = 0  # a network for a hundredth of the forecast is not worth its time
    return (
        shrunk / shrunk.sum(),
        "Nothing is clearly better than repeating the last value: most of the forecast is that.",
    )


def _within_limits(trials: Sequence[Trial], found: np.ndarray) -> np.ndarray:
    """Shares of as many networks as a file may hold: the smallest go first."""
    while True:
        members = [trial.member for trial, share in zip(trials, found, strict=True) if share > 0 and trial.member]
        try:
            check_size(members)
        except InputError:
            if len(members) == 1:
                raise
            least = min(np.flatnonzero(found), key=lambda place: found[place])
            found = np.where(np.arange(len(found)) == least, 0, found)
            found = found / found.sum()
        else:
            return found


def _record(
    judge: Judge, trials: Sequence[Trial], weights: np.ndarray, worth: Worth, text: str, seconds: float
) -> Selection:
    tried = [
        Tried(
            model=trial.candidate.network.model,
            words=trial.candidate.network.describe(),
            window=trial.candidate.network.window,
            scaling=scaling_words(trial.candidate.network),
            steps=trial.steps,
            mase=trial.worth.mase if trial.worth else None,
            crps=trial.worth.crps if trial.worth else None,
            weight=float(share),
            seconds=round(trial.seconds, 2),
            note=trial.note,
        )
        for trial, share in zip(trials, weights, strict=True)
    ]
    return Selection(
        tried=tuple(tried[:200]),
        mase=worth.mase,
        crps=worth.crps,
        windows=len(judge.windows),
        blocks=judge.count,
        steps=sum(trial.steps for trial in trials),
        seconds=round(seconds, 2),
        text=text,
    )
