"""What a person sees while a model trains: a bar on a terminal, a line an epoch elsewhere. All of it on stderr."""

from __future__ import annotations

import contextlib
import sys
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from kerasforecast.config import Config
from kerasforecast.data.series import Series
from kerasforecast.data.stamps import iso_texts
from kerasforecast.errors import printable
from kerasforecast.preprocessing.split import PARTS, Split
from kerasforecast.runtime.backend import Choice, device_name
from kerasforecast.training.callbacks import Epoch

from .output import say


class Progress:
    """Shows the start of a fit and its epochs; as a context manager it takes the bar down whatever happens."""

    def __init__(self, config: Config, choice: Choice, *, quiet: bool) -> None:
        self._config = config
        self._choice = choice
        self._quiet = quiet
        self._bar: Bar | None = None

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._bar:
            with contextlib.suppress(OSError):  # the terminal has gone
                self._bar.stop()

    def start(self, series: Series, split: Split, parameters: int) -> None:
        """Say what is trained on what."""
        if self._quiet:
            return
        network = self._config.network
        device = device_name(self._choice.name)
        for line in (
            f"{series.name}: {len(series):,} rows of {', '.join(series.columns)}, {_span(series, 0, len(series) - 1)}",
            *series.notes,
            *(f"  {part:<10} {_part(series, split, part)}" for part in PARTS),
            f"{network.describe()} on windows of {network.window}, {parameters:,} trained parameters",
            f"{self._choice.name} ({self._choice.reason}) on {device}; "
            f"{network.family.computation(self._choice.name, device)}",
        ):
            say(printable(line))
        if sys.stderr.isatty():
            self._bar = _bar()
            self._bar.start()
            self._task = self._bar.add_task("training", total=self._config.training.epochs, figures="")

    def note(self, note: str) -> None:
        """Say what a person should know."""
        if not self._quiet:
            say(printable(note))

    def epoch(self, epoch: Epoch) -> None:
        """Show one finished epoch."""
        figures = f"loss {epoch.loss:.4f}  val_loss {epoch.val_loss:.4f}  lr {epoch.learning_rate:.3g}"
        if self._bar:
            self._bar.update(self._task, completed=epoch.epoch, figures=figures)
        elif not self._quiet:
            best = "  best" if epoch.best else ""
            total = self._config.training.epochs
            say(f"epoch {epoch.epoch:>3}/{total}  {figures}  {epoch.seconds:.1f} s{best}")


def _bar() -> Bar:
    return Bar(
        TextColumn("epoch {task.completed:.0f}/{task.total:.0f}"),
        BarColumn(),
        TextColumn("{task.fields[figures]}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        refresh_per_second=2,
        transient=True,
    )


def _part(series: Series, split: Split, part: str) -> str:
    rows = split.rows_of(part)
    return f"{len(split.origins(part)):>7,} windows, targets {_span(series, rows.start, rows.stop - 1)}"


def _span(series: Series, first: int, last: int) -> str:
    start, end = iso_texts(series.index[[first, last]], series.index)
    return f"{start} to {end}"
