"""`kerasforecast predict --future` and `--print-future`: what is known of the rows to be forecast."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from kerasforecast.artifact.manifest import Manifest
    from kerasforecast.data.panel import Panel


def print_frame(
    manifest: Manifest, panel: Panel, steps: int, output: Path | None, beside: Mapping[str, object]
) -> None:
    """Write the frame that `--future` takes, to be filled in.

    Args:
        manifest: The model's.
        panel: What is to be forecast.
        steps: Rows ahead that are.
        output: A file to write it to; to stdout where `None`.
        beside: Options that change nothing of it, by name; `None` where one was not given.

    Raises:
        OptionError: One was; or there is nothing to fill in.
    """
    from kerasforecast.data.future import as_csv, wanted
    from kerasforecast.errors import OptionError, flag, shown
    from kerasforecast.runtime.files import atomic_write

    for name, value in beside.items():
        if value is not None:
            raise OptionError(
                f"{flag(name)} has no effect beside --print-future, which forecasts nothing. "
                f"Received: {shown(str(value))}. Leave one out."
            )
    date = manifest.config.data.date_column or ""
    frame = wanted(panel, max(steps, manifest.horizon), "" if "," in date else date)
    if output is None:
        click.echo(as_csv(frame), nl=False)
    else:
        atomic_write(output, as_csv(frame).encode())
        click.echo(f"{output}: {len(frame):,} rows to be filled in", err=True)


def told(
    manifest: Manifest, panel: Panel, future: str | None, options: dict[str, Any], steps: int, *, quiet: bool
) -> Panel:
    """`panel` with what the file `future`, if any, says of the rows to be forecast; what was decided is said."""
    if future is None:
        return panel
    from kerasforecast.data.future import with_future
    from kerasforecast.errors import printable

    config = manifest.config.data.model_copy(update=options)
    found = with_future(panel, future, max(steps, manifest.horizon), config)
    for line in () if quiet else found.notes[len(panel.notes) :]:
        click.echo(printable(line), err=True)
    return found
