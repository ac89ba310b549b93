"""A call of the library as it was made: what every long one takes beside its options."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kerasforecast.data.panel import Panel
    from kerasforecast.data.series import Series
    from kerasforecast.data.table.given import Given


@dataclass(frozen=True, kw_only=True)
class Request:
    """What was asked for; the fields are arguments of `kerasforecast.fit` and its like that are no options.

    Attributes:
        options: Those of a fit that were given.
        frame: The data itself, where it is neither a file nor a ticker.
        name: Of what is made.
        output_dir: Where it goes; nowhere, where `None`.
        ray: Where Ray is to do the work: `local`, or the address of a cluster.
        progress: Whether to show progress; where `None`, only to a terminal.
        backend: Of Keras; the one that is there, where `None`.
        threads: Of the processor; as many as suit, where `None`.
    """

    options: dict[str, Any]
    frame: Given | Panel | Series | None
    name: str | None
    output_dir: Path | None
    ray: str | None
    progress: bool | None
    backend: str | None
    threads: int | None
