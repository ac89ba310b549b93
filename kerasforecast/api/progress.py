"""What a person sees while models train: a bar on a terminal and in a notebook, a line an epoch elsewhere.

All of it goes to stderr, or below the notebook's cell. The one module that knows rich.
"""

from __future__ import annotations

import contextlib
import importlib.util
import sys
from collections.abc import Sequence
from itertools import pairwise
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np

from kerasforecast.config import Config
from kerasforecast.data.stamps import span
from kerasforecast.errors import addressed, printable
from kerasforecast.preprocessing.split import PARTS, Split, held_out, too_short
from kerasforecast.runtime.backend import Choice, device_name
from kerasforecast.runtime.terminal import say

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bar

    from kerasforecast.data.panel import Panel
    from kerasforecast.evaluation.cuts import Fold
    from kerasforecast.evaluation.folds import Forecasts
    from kerasforecast.sections.network import NetworkConfig
    from kerasforecast.training.history import Epoch


_FALLS = 4  # of the learning rate that are told


class Progress:
    """Shows the start of a fit and its epochs, or a walk's folds; as a context manager it takes the bar down.

    Args:
        config: Of the fit or walk.
        choice: The backend.
        shown: Whether anything is shown. Where `None`: on a terminal and in a notebook, for scripts stay quiet.
    """

    def __init__(self, config: Config, choice: Choice, shown: bool | None = None) -> None:
        self._config = config
        self._choice = choice
        self._notebook = _notebook() if shown is not False else None
        self._shown = self._notebook is not None or _on_terminal() if shown is None else shown
        self._bar: Bar | None = None
        self._epochs: list[Epoch] = []  # those that the bar has shown

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._take_down()

    def start(self, panel: Panel, split: Split, parameters: int | None) -> None:
        """Say what is trained on what; how many parameters follows where networks are yet to be chosen (`None`)."""
        if not self._shown:
            return
        network = self._config.network
        device = device_name(self._choice.name)
        start, end = span(panel.index, panel.starts[:-1], panel.ends)
        for line in (
            f"{panel.name}: {_counted(panel)} of {', '.join((*panel.columns, *panel.static_columns))}, "
            f"{start} to {end}",
            *panel.notes,
            *(f"  {part:<10} {_part(panel, split, part)}" for part in PARTS),
            *_left_alone(panel, split, self._config),
            _described(network, split.window, parameters),
            f"{self._choice.name} ({self._choice.reason}) on {device}; "
            f"{network.family.computation(self._choice.name, device)}",
        ):
            self.note(line)
        self._take_down()  # of a fit that begins again with smaller batches
        self._bar = _bar(self._notebook) if network.family.trained and parameters is not None else None
        if self._bar:
            self._bar.start()
            self._task = self._bar.add_task("training", total=self._config.training.epochs, figures="")

    def note(self, note: str) -> None:
        """Say what a person should know."""
        if not self._shown:
            return
        line = printable(addressed(note))
        if self._notebook:
            self._notebook.print(line, markup=False, highlight=False, soft_wrap=True)
        else:
            say(line)

    def epoch(self, epoch: Epoch) -> None:
        """Show one finished epoch; of a family without weights there is none to speak of."""
        if not self._config.network.family.trained:
            return
        if self._bar:
            self._bar.update(self._task, completed=epoch.epoch, figures=_figures(epoch))
            self._epochs.append(epoch)
        else:
            self.note(self._line(epoch))

    def fold(self, fold: Fold, forecasts: Forecasts, kept: bool, count: int) -> None:
        """Show one finished fold of `count`, and whether it was kept from before."""
        how = "kept from before" if kept else f"{forecasts.epochs} epochs  {forecasts.fit_seconds:.1f} s"
        if not kept and not forecasts.fit_seconds:
            how = "the first fold's model"
        several = f" of {(fold.forecast > 0).sum():,} series" if len(fold.forecast) > 1 else ""
        self.note(f"fold {fold.number:>3}/{count}  {fold.forecast.sum():>5,} forecasts{several}  {how}")

    def _take_down(self) -> None:
        if self._bar:
            with contextlib.suppress(OSError):  # the terminal has gone
                self._bar.stop()
            self._bar = None
            for epoch in _told(self._epochs):
                self.note(self._line(epoch))
            self._epochs = []

    def _line(self, epoch: Epoch) -> str:
        best = "  best" if epoch.best else ""
        total = self._config.training.epochs
        return f"epoch {epoch.epoch:>3}/{total}  {_figures(epoch)}  {epoch.seconds:.1f} s{best}"


def _described(network: NetworkConfig, window: int, parameters: int | None) -> str:
    """What is trained, in a line; a choice among networks has no parameters yet."""
    if parameters is None:
        return network.describe()
    size = f"{parameters:,} trained parameters" if network.family.trained else "nothing to train"
    return f"{network.describe()} on windows of {window}, {size}"


def _figures(epoch: Epoch) -> str:
    return f"loss {epoch.loss:.4f}  val_loss {epoch.val_loss:.4f}  lr {epoch.learning_rate:.3g}"


def _told(epochs: Sequence[Epoch]) -> list[Epoch]:
    """The epochs that stay on the screen when the bar goes: the first, the best, the last, and between them a few.

    Those between stand at twice the number each time, so that their count grows by one where theirs doubles; and where
    the learning rate fell, its first ones.
    """
    best = max((epoch.epoch for epoch in epochs if epoch.best), default=0)
    fallen = [now.epoch for before, now in pairwise(epochs) if now.learning_rate < before.learning_rate]
    wanted = {best, *fallen[:_FALLS], *(2**power for power in range(20))}
    return [epoch for epoch in epochs if epoch.epoch in wanted or epoch in (epochs[0], epochs[-1])]


def _on_terminal() -> bool:
    return sys.stderr is not None and sys.stderr.isatty()


def _notebook() -> Console | None:
    """The console of the notebook that this runs in, if it is one; outside IPython nothing is imported to find out."""
    if "IPython" not in sys.modules:
        return None
    from rich.console import Console

    console = Console()
    return console if console.is_jupyter else None


def _bar(notebook: Console | None) -> Bar | None:
    """A bar where it can be drawn; a notebook needs ipywidgets for it."""
    if not importlib.util.find_spec("ipywidgets") if notebook else not _on_terminal():
        return None
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    return Bar(
        TextColumn("epoch {task.completed:.0f}/{task.total:.0f}"),
        BarColumn(),
        TextColumn("{task.fields[figures]}"),
        TimeRemainingColumn(),
        console=notebook or Console(stderr=True),
        refresh_per_second=2,
        transient=True,
    )


def _counted(panel: Panel) -> str:
    rows = f"{panel.observed.sum():,} rows"
    return rows if len(panel) == 1 else f"{len(panel):,} series, {rows}"


def _part(panel: Panel, split: Split, part: str) -> str:
    place = PARTS.index(part)
    ends = span(panel.index, split.edges[:, place], split.edges[:, place + 1])
    return f"{split.windows_in(part).sum():>7,} windows, targets {ends[0]} to {ends[1]}"


def _left_alone(panel: Panel, split: Split, config: Config) -> list[str]:
    """Which of several series are not learned from, and why, a line each."""
    if len(panel) == 1:
        return []
    lines, steps = [], config.steps
    short = np.flatnonzero(too_short(split, steps))
    untested = np.flatnonzero((split.windows_in("test", steps) == 0) & (split.windows_in("train") > 0))
    held = np.flatnonzero(held_out(panel, config.split))
    for places, what in (
        (held, "held out of training, scored as new"),
        (short, "too short for the parts: only forecast"),
        (untested, "without a row to test"),
    ):
        if len(places):
            few = ", ".join(map(str, panel.ids[places[:5]])) + (", ..." if len(places) > 5 else "")
            lines.append(f"  {len(places):,} of {len(panel):,} series {what}: {few}.")
    return lines
