"""A finished study as its user holds it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from kerasforecast.tuning.record import StudyRecord
from kerasforecast.tuning.tables import trials_table

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

    from kerasforecast.model import Model


@dataclass(frozen=True, eq=False)
class Study:
    """What `kerasforecast.tune` gives.

    Attributes:
        best: The model of the options that were chosen, trained as a fit trains it.
        record: All trials, stages and scores, as `study.json` holds them.
        files: Paths of what was written, by what they hold: `model`, `study`, `trials`, `report`, and those of a fit;
            empty without an `output_dir`.

    Example:
        >>> import kerasforecast as kf
        >>> study = kf.tune(end="2002-01-01", window=8, layers=1, epochs=1, stages=["units"], tries={"units": [2, 4]})
        >>> study.trials["units"].tolist()
        [2, 4, 50]
    """

    best: Model
    record: StudyRecord
    files: dict[str, Path] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"<Study {self.record.name}, {len(self.record.trials)} trials: {self.record.sentence}>"

    @cached_property
    def trials(self) -> pd.DataFrame:
        """A row for each trial: its options, its error on validation, how its training went."""
        return trials_table(self.record)

    @property
    def verdict(self) -> str:
        """Whether tuning helped, on the test part, with the number of trials."""
        return self.record.sentence

    def plot(self) -> go.Figure:
        """The errors of all trials in turn, and the least so far: a plotly figure, which a notebook shows."""
        import plotly.graph_objects as go

        from kerasforecast.report.colours import coloured
        from kerasforecast.tuning.figures import path

        return go.Figure(coloured(path(self.record)))

    def report(self, path: str | PathLike) -> Path:
        """Write the page, one HTML file that needs no network, and return its path."""
        from kerasforecast.runtime.files import atomic_write, user_path
        from kerasforecast.tuning.page import study_page

        file = user_path(path)
        atomic_write(file, study_page(self.record).encode())
        return file
