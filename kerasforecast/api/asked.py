"""A call of the library as it was made: what every long one takes beside its options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kerasforecast.api.options import given
from kerasforecast.runtime.files import user_path

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


def request_of(arguments: Mapping[str, Any]) -> Request:
    """What was asked for by the `arguments` of a function that takes nothing beside them but the options of a fit."""
    frame, options = split_data(arguments["data"], given(arguments))
    folder = arguments["output_dir"]
    return Request(
        options=options,
        frame=frame,
        name=arguments["name"],
        output_dir=None if folder is None else user_path(folder),
        ray=arguments["ray"],
        progress=arguments["progress"],
        backend=arguments["backend"],
        threads=arguments["threads"],
    )


def split_data(
    data: str | PathLike | Given | Panel | Series | None, options: dict[str, Any]
) -> tuple[Given | Panel | Series | None, dict[str, Any]]:
    """What a user gave as `data`: the rows themselves, or else the `options` with the path."""
    if isinstance(data, str | PathLike):
        return None, options | {"file": str(data)}
    return data, options
