"""`kerasforecast predict --paths` and `--probability`: whole paths, and how likely something is on them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    import pandas as pd

    from kerasforecast.artifact.manifest import Manifest
    from kerasforecast.data.panel import Panel
    from kerasforecast.model import Model

Command = TypeVar("Command", bound=Callable[..., Any])

_DRAWN = 1_000  # paths that a probability is a share of, where nothing is said


def path_options(command: Command) -> Command:
    """The flags."""
    for option in (
        click.option("--path-seed", type=int, help="Seed of the paths.  [default: 0]"),
        click.option(
            "--probability",
            multiple=True,
            metavar="EVENT",
            help="How likely EVENT is within the rows ahead, e.g. 'min < 190'; may be given again.",
        ),
        click.option("--paths", type=int, metavar="N", help="Draw N whole paths (1,000 for events)."),
    ):
        command = option(command)
    return command


@dataclass(frozen=True)
class PathQuestion:
    """What is asked of the paths of a model.

    Attributes:
        paths: How many are drawn of each series.
        events: How likely is each; the paths themselves are asked for where there is none.
        seed: Of the noise.
    """

    paths: int
    events: tuple[str, ...]
    seed: int

    @classmethod
    def of(
        cls,
        manifest: Manifest,
        paths: int | None,
        events: tuple[str, ...],
        seed: int | None,
        beside: dict[str, Any],
    ) -> PathQuestion | None:
        """What the flags ask for; `None` where that is no path.

        Raises:
            OptionError: The model draws none, an event cannot be read, or another flag would have no effect.
        """
        from kerasforecast.errors import OptionError, flag, shown
        from kerasforecast.forecasting.events import event
        from kerasforecast.forecasting.paths import check_count
        from kerasforecast.models.member import describe, paths_of

        if paths is None and not events:
            if seed is not None:
                raise OptionError(f"--path-seed has no effect without --paths or --probability. Received: {seed}.")
            return None
        if not paths_of(manifest.members):
            raise OptionError(
                f"--paths and --probability need a model that draws paths, made by fit --model diffusion. "
                f"Received: {describe(manifest.members)}."
            )
        for name, value in beside.items():
            if value is not None:
                raise OptionError(
                    f"{flag(name)} has no effect beside --paths and --probability. Received: {shown(str(value))}. "
                    "Leave it out."
                )
        for each in events:
            event(each)
        if seed is not None and not 0 <= seed < 2**31:
            raise OptionError(f"--path-seed must be from 0 to {2**31 - 1}. Received: {seed}.")
        return cls(check_count(_DRAWN if paths is None else paths), events, seed or 0)

    def answer(self, model: Model, panel: Panel, steps: int, output: Path | None, *, as_json: bool) -> None:
        """Print it, or write the table to `output`."""
        from kerasforecast.evaluation.tables import as_written
        from kerasforecast.runtime.files import atomic_write

        from .output import print_json

        table = self._likely(model, panel, steps) if self.events else as_written(self._drawn(model, panel, steps))
        if output:
            atomic_write(output, table.to_csv(index=False).encode())
            click.echo(f"{output}: {len(table):,} rows", err=True)
        if as_json:
            print_json({"probabilities" if self.events else "paths": table.to_dict("records")})
        elif not output:
            click.echo(table.to_csv(index=False), nl=False)

    def _drawn(self, model: Model, panel: Panel, steps: int) -> pd.DataFrame:
        from kerasforecast.data.precision import short_decimals

        table = model.paths(steps, panel, paths=self.paths, seed=self.seed)
        table["value"] = short_decimals(table["value"].to_numpy())
        return table

    def _likely(self, model: Model, panel: Panel, steps: int) -> pd.DataFrame:
        import pandas as pd

        parts = []
        for each in self.events:
            found = model.probability(each, steps, panel, paths=self.paths, seed=self.seed)
            found = found.reset_index() if panel.key is not None else found.reset_index(drop=True)
            found["standard_error"] = found["standard_error"].round(4)
            found.insert(0, "event", each)
            parts.append(found)
        return pd.concat(parts, ignore_index=True)
